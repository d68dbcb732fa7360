"""What a kernel says of itself, and what follows for its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .vmcoreinfo import Vmcoreinfo

if TYPE_CHECKING:
    from ..program import Program
    from ..targets.base import Target


class KernelState:
    """A Linux kernel: its VMCOREINFO and where it is.

    Raises BadDataError if there is no VMCOREINFO or it is not valid.
    """

    __slots__ = ("_prog", "target", "vmcoreinfo")

    vmcoreinfo: Vmcoreinfo

    def __init__(self, prog: Program, target: Target, vmcoreinfo: bytes | None) -> None:
        self._prog = prog
        self.target = target
        self.vmcoreinfo = Vmcoreinfo(vmcoreinfo or b"")

    def attach(self) -> None:
        """Set up page tables and finders, once the target's memory is there."""
