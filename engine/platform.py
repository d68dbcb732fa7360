"""The machine that a program runs on: architecture, word size, byte order."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Sequence
from typing import Literal

from .arguments import class_label
from .closed import ApiClass, closed, make, not_constructible
from .registers import register_names

ByteOrder = Literal["little", "big"]


class Architecture(enum.Enum):
    """An instruction set architecture."""

    UNKNOWN = 0
    X86_64 = 1
    I386 = 2
    AARCH64 = 3
    ARM = 4
    PPC64 = 5
    RISCV64 = 6
    RISCV32 = 7
    S390X = 8
    S390 = 9
    LOONGARCH64 = 10


class PlatformFlags(enum.Flag):
    """Properties of a platform."""

    IS_64_BIT = 1
    IS_LITTLE_ENDIAN = 2


@closed
@not_constructible
class Register(metaclass=ApiClass):
    """A register of a platform; ``names`` are all the names that it goes by."""

    __slots__ = ("_names",)

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    @property
    def names(self) -> Sequence[str]:
        """The names of this register."""
        return self._names

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Register):
            return NotImplemented
        return self._names == other._names

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Register({self._names!r})"


_BITS64 = PlatformFlags.IS_64_BIT
_LITTLE = PlatformFlags.IS_LITTLE_ENDIAN
_DEFAULT_FLAGS = {
    Architecture.X86_64: _BITS64 | _LITTLE,
    Architecture.I386: _LITTLE,
    Architecture.AARCH64: _BITS64 | _LITTLE,
    Architecture.ARM: _LITTLE,
    Architecture.PPC64: _BITS64 | _LITTLE,
    Architecture.RISCV64: _BITS64 | _LITTLE,
    Architecture.RISCV32: _LITTLE,
    Architecture.S390X: _BITS64,
    Architecture.S390: PlatformFlags(0),
    Architecture.LOONGARCH64: _BITS64 | _LITTLE,
}


@closed
class Platform(metaclass=ApiClass):
    """An architecture with its flags.

    Without ``flags`` the architecture's usual ones are taken.

    Raises ValueError if the architecture is unknown and no flags are given.
    """

    __slots__ = (
        "_arch",
        "_flags",
        "_registers",
        "address_size",
        "byteorder",
        "is_64_bit",
        "is_little_endian",
    )

    address_size: int
    """Size of a pointer in bytes."""
    byteorder: ByteOrder

    def __init__(self, arch: Architecture, flags: PlatformFlags | None = None) -> None:
        if not isinstance(arch, Architecture):
            raise TypeError(f"expected Architecture, not {class_label(arch)}")
        if flags is None:
            if arch is Architecture.UNKNOWN:
                raise ValueError(
                    "cannot get default platform flags of unknown architecture"
                )
            flags = _DEFAULT_FLAGS[arch]
        elif not isinstance(flags, PlatformFlags):
            raise TypeError(f"expected PlatformFlags or None, not {class_label(flags)}")
        self._arch = arch
        self._flags = flags
        # Plain bools, since testing an enum.Flag costs a microsecond.
        self.is_64_bit = bool(flags.value & 1)
        self.is_little_endian = bool(flags.value & 2)
        self.address_size = 8 if self.is_64_bit else 4
        self.byteorder = "little" if self.is_little_endian else "big"
        self._registers: tuple[Register, ...] | None = None

    @property
    def arch(self) -> Architecture:
        """The instruction set architecture."""
        return self._arch

    @property
    def flags(self) -> PlatformFlags:
        """The flags of this platform."""
        return self._flags

    @property
    def registers(self) -> Sequence[Register]:
        """The processor registers of this platform."""
        if self._registers is None:
            self._registers = tuple(
                make(Register, names) for names in register_names(self._arch.name)
            )
        return self._registers

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Platform):
            return NotImplemented
        return self._arch is other._arch and self._flags == other._flags

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Platform({self._arch!r}, {self._flags!r})"


_HOST_MACHINES = {
    "x86_64": Architecture.X86_64,
    "i386": Architecture.I386,
    "i686": Architecture.I386,
    "aarch64": Architecture.AARCH64,
    "ppc64": Architecture.PPC64,
    "ppc64le": Architecture.PPC64,
    "riscv64": Architecture.RISCV64,
    "riscv32": Architecture.RISCV32,
    "s390x": Architecture.S390X,
    "s390": Architecture.S390,
    "loongarch64": Architecture.LOONGARCH64,
}


def _host_platform() -> Platform:
    machine = os.uname().machine
    arch = _HOST_MACHINES.get(machine, Architecture.UNKNOWN)
    if machine.startswith("arm"):
        arch = Architecture.ARM
    flags = PlatformFlags(0)
    if sys.maxsize > 2**32:
        flags |= PlatformFlags.IS_64_BIT
    if sys.byteorder == "little":
        flags |= PlatformFlags.IS_LITTLE_ENDIAN
    return Platform(arch, flags)


host_platform = _host_platform()
"""The platform that this process runs on."""
