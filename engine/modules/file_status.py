"""What a module has, and wants, of the files that describe it."""

from __future__ import annotations

import enum
from typing import NamedTuple


class ModuleFileStatus(enum.Enum):
    """Whether a module has, wants or does not want a file."""

    WANT = 0
    HAVE = 1
    DONT_WANT = 2
    DONT_NEED = 3
    WANT_SUPPLEMENTARY = 4


class SupplementaryFileKind(enum.Enum):
    """How a debug file names the file that holds the rest of it."""

    GNU_DEBUGALTLINK = 1


class WantedSupplementaryFile(NamedTuple):
    """The supplementary file that a module waits for.

    ``path`` is the debug file, ``supplementary_path`` what it says, relative to
    itself or absolute, and ``checksum`` the build ID of the wanted file.
    """

    kind: SupplementaryFileKind
    path: str
    supplementary_path: str
    checksum: bytes


_SETTABLE = (
    ModuleFileStatus.WANT,
    ModuleFileStatus.DONT_WANT,
    ModuleFileStatus.DONT_NEED,
)


def changed_status(
    name: str, old: ModuleFileStatus, new: ModuleFileStatus
) -> ModuleFileStatus:
    """``new``, if the user may set it in the place of ``old``.

    Raises TypeError if it is none, ValueError if there is a file already or it says
    what only a file can bring about.
    """
    if not isinstance(new, ModuleFileStatus):
        raise TypeError(f"{name} must be ModuleFileStatus")
    if new is not old and (old is ModuleFileStatus.HAVE or new not in _SETTABLE):
        raise ValueError(f"cannot change {name} from {old} to {new}")
    return new
