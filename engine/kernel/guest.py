"""The kernel of a machine that a debugger has stopped: found, and read.

The debugger is a `Guest`: what it can tell of the machine. With the machine's physical
memory all of the kernel can be read, whatever its processors do. Without it memory is
read as a processor translates it that is in the kernel, and physical addresses through
the kernel's direct map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import FaultError, UnsupportedOperation
from ..memory.memory import PAGE_SIZE
from ..memory.segments import Segment
from .guest_vmcoreinfo import vmcoreinfo_of
from .kaslr import (
    ControlRegisters,
    KernelImage,
    ProbedView,
    View,
    explain,
    find_again,
    find_direct_map,
    find_kernel,
    page_table_views,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..memory.memory import Memory
    from ..memory.segments import Buffer
    from ..memory.space import AddressSpace
    from .kaslr import Read
    from .vmlinux import Vmlinux

_KERNEL_HALF = 1 << 63
_PHYSICAL_SIZE = 1 << 46


class Guest:
    """A machine that a debugger has stopped; each debugger derives its own."""

    physical: AddressSpace | None = None
    """The machine's memory, None where the debugger cannot read it."""

    def control_registers(self) -> Sequence[ControlRegisters]:
        """Those of each processor, the selected one first; none if not known."""
        return ()

    def reads(self) -> Sequence[Read]:
        """How to read as each processor translates, the selected one first."""
        return ()

    def write(self, address: int, data: bytes, physical: bool) -> None:
        """Change memory, if need be as the selected processor translates.

        Raises FaultError, or UnsupportedOperation if nothing can be written.
        """
        raise UnsupportedOperation(f"memory at {address:#x} is read-only")

    def is_running(self) -> bool:
        """Whether memory may change while it is read."""
        return False

    def views(self) -> Iterator[View]:
        """What the processors may see of the kernel."""
        registers = self.control_registers()
        if self.physical is not None and registers:
            yield from page_table_views(self.physical, registers)
        else:
            yield from map(ProbedView, self.reads())


class GuestKernel:
    """The kernel that a guest runs."""

    def __init__(
        self, vmlinux: Vmlinux, guest: Guest, image: KernelImage, view: View
    ) -> None:
        self.vmlinux = vmlinux
        self.image = image
        self.vmcoreinfo = vmcoreinfo_of(vmlinux, image, view.read)
        self._guest = guest
        self._view = view

    def is_still_there(self) -> bool:
        """Whether the guest, stopped once more, runs this kernel at this place."""
        view = find_again(self.vmlinux, self.image, self._guest.views())
        if view is None:
            return False
        self._view = view
        if self.vmcoreinfo is None:
            self.vmcoreinfo = vmcoreinfo_of(self.vmlinux, self.image, view.read)
        return True

    def read(self, address: int, size: int) -> bytes:
        """Read at a virtual address as the processor does that sees the kernel."""
        return self._view.read(address, size)

    def attach(self, memory: Memory) -> None:
        """Add what there is to read; VMCOREINFO gives the page tables above it.

        Raises FaultError if physical memory cannot be read in any way.
        """
        guest = self._guest
        if guest.physical is not None:
            for _, _, segment in guest.physical:
                memory.add(segment, physical=True)
            return
        base = find_direct_map(self.vmlinux, self.image, self.read)
        if base is None:
            raise FaultError("the direct map of physical memory was not found", 0)
        memory.add(StoppedSegment(_KERNEL_HALF, _KERNEL_HALF, guest, self.read))
        memory.add(
            StoppedSegment(0, _PHYSICAL_SIZE, guest, self.read, base), physical=True
        )


def find_guest_kernel(vmlinux: Vmlinux, guest: Guest) -> GuestKernel | None:
    """The kernel that a guest runs, None if it is none or another one."""
    image = find_kernel(vmlinux, guest.views())
    if image is None:
        return None
    view = find_again(vmlinux, image, guest.views())
    return None if view is None else GuestKernel(vmlinux, guest, image, view)


def explain_no_kernel(vmlinux: Vmlinux, guest: Guest) -> str:
    """Why `find_guest_kernel` found none."""
    registers = guest.control_registers()
    if registers and not any(cpu.paging for cpu in registers):
        return "no kernel is running yet: paging is off"
    return explain(vmlinux, guest.views())


class StoppedSegment(Segment):
    """Memory of a guest, which stays as it is while that is stopped.

    ``read(address, size)`` raises FaultError; addresses of this segment are ``base``
    less than those for it. ``physical`` is how to write.
    """

    __slots__ = ("_base", "_guest", "_physical", "_read")

    def __init__(
        self,
        start: int,
        size: int,
        guest: Guest,
        read: Read,
        base: int = 0,
        physical: bool = False,
    ) -> None:
        super().__init__(start, size)
        self._guest = guest
        self._read = read
        self._base = base
        self._physical = physical

    def read(self, address: int, size: int) -> bytes:
        try:
            return self._read(self._base + address, size)
        except FaultError as error:
            raise FaultError(error.message, error.address - self._base) from None

    def write(self, address: int, data: bytes) -> None:
        self._guest.write(self._base + address, data, self._physical)

    def locate(self, address: int, size: int) -> tuple[Buffer, int] | None:
        if size > PAGE_SIZE or self._guest.is_running():
            return None
        return self.read(address, size), 0

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        # Each read is a round trip, and neighbours are often in one page.
        pages: dict[int, bytes] = {}
        size = out.shape[1]
        for i, address in enumerate(addresses.tolist()):
            page, offset = address & -PAGE_SIZE, address % PAGE_SIZE
            try:
                if offset + size > PAGE_SIZE:
                    data = self.read(address, size)
                else:
                    if page not in pages:
                        pages[page] = self.read(page, PAGE_SIZE)
                    data = pages[page][offset : offset + size]
            except FaultError:
                continue
            out[i].data[:] = data
            valid[i] = True
