"""What the kernel says of this process and its disk, and holds for it alone."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

_STATM = Path("/proc/self/statm")
_RESIDENT = 1  # the field's place: pages in memory


def resident_bytes() -> int:
    """Memory of this process that is in RAM; 0 where the kernel does not say."""
    try:
        pages = int(_STATM.read_text("ascii").split()[_RESIDENT])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def claim(folder: Path) -> int:
    """Hold the folder until this process ends, or the descriptor that is returned is closed.

    FileExistsError where another process holds it.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise FileExistsError(f"{folder}: another daemon runs here") from None
    return held


def disk_free_bytes(folder: Path) -> int:
    """Free space for this user where the folder is; 0 where it cannot be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
