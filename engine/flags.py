"""Small enumerations that several floors of the engine share."""

from __future__ import annotations

import enum


class ProgramFlags(enum.Flag):
    """What kind of program a Program is."""

    IS_LINUX_KERNEL = 1
    IS_LIVE = 2
    IS_LOCAL = 4


class FindObjectFlags(enum.Flag):
    """Which kinds of objects a lookup is for."""

    CONSTANT = 1
    FUNCTION = 2
    VARIABLE = 4
    ANY = 7


class AbsenceReason(enum.Enum):
    """Why an object has no value."""

    OTHER = 0
    OPTIMIZED_OUT = 1
    NOT_IMPLEMENTED = 2
