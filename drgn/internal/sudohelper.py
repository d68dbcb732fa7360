"""Files that only root may open."""

from __future__ import annotations

import os

from drgn.standalone.sudo import open_as_root


def open_via_sudo(path: str | os.PathLike[str], flags: int, mode: int = 0o777) -> int:
    """``os.open()``, in a process that runs under sudo.

    Raises OSError as ``os.open()`` does there, PermissionError if sudo refuses.
    """
    return open_as_root(os.fspath(path), flags, mode)
