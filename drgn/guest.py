"""
Guests
------

The kernel of a machine that a debugger has stopped: for debuggers of one's own.

A debugger derives a class from `Guest` that tells what it knows of the machine;
`find_guest_kernel()` finds where a kernel lies in it and what its VMCOREINFO is, and
`GuestKernel.attach()` makes its memory that of a `Target`.
"""

from __future__ import annotations

from drgn.engine.kernel.guest import (
    Guest,
    GuestKernel,
    StoppedSegment,
    explain_no_kernel,
    find_guest_kernel,
)
from drgn.engine.kernel.kaslr import ControlRegisters, KernelImage
from drgn.engine.kernel.vmcoreinfo import Vmcoreinfo
from drgn.engine.kernel.vmlinux import Identity, Vmlinux, open_vmlinux
from drgn.engine.memory.space import AddressSpace
from drgn.engine.targets.qemu import ram_ranges

__all__ = (
    "AddressSpace",
    "ControlRegisters",
    "Guest",
    "GuestKernel",
    "Identity",
    "KernelImage",
    "StoppedSegment",
    "Vmcoreinfo",
    "Vmlinux",
    "explain_no_kernel",
    "find_guest_kernel",
    "open_vmlinux",
    "ram_ranges",
)
