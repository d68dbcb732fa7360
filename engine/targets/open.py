"""Choosing the target for a core dump file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Target

    Path = str | bytes | int


def open_core(path: Path) -> Target:
    """Open a core dump by path or file descriptor: ELF, kdump or ``/proc/kcore``.

    Raises OSError if it cannot be opened, ValueError if it is no core dump and
    BadDataError if it is malformed.
    """
    raise NotImplementedError
