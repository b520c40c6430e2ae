"""A listening Unix socket: at no instant can it be reached with other rights than it is to have.

It is bound inside a new directory of mode 0700, given its mode, and then renamed to its place.
"""

from __future__ import annotations

import socket
import stat
import tempfile
from pathlib import Path
from typing import Final

LISTEN_BACKLOG: Final = 16


def listening_socket(path: Path, mode: int) -> socket.socket:
    """A socket that listens at `path` with `mode`, put there whole.

    OSError where a live process listens there already, where the folder can be written by others,
    or where something else than a socket is in the way.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_mode & 0o022:
        raise PermissionError(f"{path.parent}: can be written by others than its owner")
    _refuse_occupied(path)
    with tempfile.TemporaryDirectory(prefix=".s", dir=path.parent) as private:
        hidden = Path(private, "s")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listener.bind(str(hidden))
            hidden.chmod(mode)
            listener.listen(LISTEN_BACKLOG)
            hidden.rename(path)
        except BaseException:
            listener.close()
            raise
    return listener


def _refuse_occupied(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(f"{path}: is in the way, and no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
        raise FileExistsError(f"{path}: another daemon listens here")


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of what is there, None for nothing: whether it is still ours."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
