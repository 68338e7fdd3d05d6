"""Checks that only the owner, or on request a group, can read the file of a store or a key.

Whoever reads a token can end its task, and whoever reads the key can sign handles. In containers, a
volume or a secret often belongs to root and to a group of the process, as with Kubernetes'
``fsGroup``.
"""

from __future__ import annotations

import os
import stat

_OTHERS = stat.S_IRWXO
_GROUP = stat.S_IRWXG


def why_not_private(status: os.stat_result, path: object, *, allow_group: bool) -> str | None:
    """Return why a file with this status must not contain a secret; None if it may.

    Args:
        status: the status of the file itself, not of a link to it.
        path: the file's name, for the advice.
        allow_group: whether a group of this process may read and write the file, and root may own
            it.
    """
    mode, user = stat.S_IMODE(status.st_mode), os.geteuid()
    if status.st_uid != user and not (allow_group and status.st_uid == 0):
        return (
            f"it belongs to another user (uid {status.st_uid}, and this process is {user}). Run as "
            f"its owner, or chown {user} {path}"
        )
    if mode & _OTHERS or (mode & _GROUP and not allow_group):
        advice = f"chmod 600 {path}"
        if not mode & _OTHERS and status.st_gid in _own_groups():
            advice += ", or allow its group with allow_group=True"
        elif allow_group:
            advice = f"chmod o= {path}"
        return f"others than its owner may read it (its mode is {mode:o}). {advice}"
    if mode & _GROUP and status.st_gid not in _own_groups():
        return (
            f"the group {status.st_gid} may read it (its mode is {mode:o}), and this process is "
            f"not in that group. chmod 600 {path}, or run as a member of the group"
        )
    return None


def _own_groups() -> set[int]:
    return {os.getegid(), *os.getgroups()}
