"""drgn's API over a pure-Python engine."""

from __future__ import annotations

from drgn.engine.errors import (
    BadDataError,
    FaultError,
    MissingDebugInfoError,
    NoDefaultProgramError,
    ObjectAbsentError,
    ObjectNotFoundError,
    OutOfBoundsError,
    UnsupportedOperation,
)
from drgn.engine.flags import AbsenceReason, FindObjectFlags, ProgramFlags
from drgn.engine.platform import (
    Architecture,
    Platform,
    PlatformFlags,
    Register,
    host_platform,
)
from drgn.engine.types.kinds import PrimitiveType, Qualifiers, TypeKind, TypeKindSet
