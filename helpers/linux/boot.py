"""
Boot
----

``drgn.helpers.linux.boot`` tells how the kernel was booted.
"""

from __future__ import annotations

from drgn import Program
from drgn.helpers.common.prog import takes_program_or_default

__all__ = ("kaslr_offset", "pgtable_l5_enabled")


@takes_program_or_default
def kaslr_offset(prog: Program) -> int:
    """Return how far the kernel image was moved by address space layout
    randomization, zero if it is off.

    :raises LookupError: if the program has no vmcoreinfo that says

    >>> hex(kaslr_offset(prog))
    '0x8600000'
    """
    return int(_vmcoreinfo(prog, "KERNELOFFSET") or "0", 16)


@takes_program_or_default
def pgtable_l5_enabled(prog: Program) -> bool:
    """Return whether page tables have five levels.

    >>> pgtable_l5_enabled(prog)
    False
    """
    return bool(vmcoreinfo_number(prog, "pgtable_l5_enabled"))


def vmcoreinfo_number(prog: Program, name: str) -> int | None:
    """Return a ``NUMBER()`` of vmcoreinfo, ``None`` if it is not there."""
    value = _vmcoreinfo(prog, f"NUMBER({name})")
    return None if value is None else int(value)


def _vmcoreinfo(prog: Program, key: str) -> str | None:
    for line in prog["VMCOREINFO"].string_().decode(errors="replace").split("\n"):
        name, _, value = line.partition("=")
        if name == key:
            return value
    return None
