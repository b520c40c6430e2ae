"""Who is at the other end of a Unix socket, by the kernel's word, and which role that gives."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from daemon.messages.commands import Role

CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid
# asm-generic/socket.h; Python's socket module does not name it.
SO_PEERGROUPS: Final = 59


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A role for a user or, where `uid` is None, for the members of a group."""

    role: Role
    uid: int | None = None
    gid: int | None = None


class Peer(msgspec.Struct, frozen=True):
    """Who is at the other end, by the kernel's word."""

    uid: int
    gid: int
    pid: int
    user: str
    role: Role


def grants_of(entries: Iterable[Any]) -> tuple[Grant, ...]:
    """Grants from entries with `role`, and one of `user, uid, group, gid`.

    ValueError names the user or group that this host does not know.
    """
    return tuple(_grant(entry) for entry in entries)


def _grant(entry: Any) -> Grant:  # noqa: ANN401  a [[control.role]] of the configuration
    uid, gid = entry.uid, entry.gid
    try:
        if entry.user is not None:
            uid = pwd.getpwnam(entry.user).pw_uid
        if entry.group is not None:
            gid = grp.getgrnam(entry.group).gr_gid
    except KeyError:
        raise ValueError(f"this host knows no {entry.user or entry.group}") from None
    return Grant(role=Role[entry.role.upper()], uid=uid, gid=gid)


def peer_of(connection: socket.socket, grants: Iterable[Grant]) -> Peer | None:
    """Who is at the other end, with the highest role granted; None where none is."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    pid, uid, gid = CREDENTIALS.unpack(raw)
    groups = {gid, *_supplementary_groups(connection)}
    roles = [grant.role for grant in grants if grant.uid == uid or grant.gid in groups]
    if uid in (0, os.geteuid()):
        roles.append(Role.ADMIN)
    return Peer(uid, gid, pid, _user_name(uid), max(roles)) if roles else None


def _supplementary_groups(connection: socket.socket) -> tuple[int, ...]:
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, 1024)
    except OSError:
        return ()  # More than 256 groups, or a kernel before 4.13: the primary one has to do.
    return struct.unpack(f"{len(raw) // 4}I", raw)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
