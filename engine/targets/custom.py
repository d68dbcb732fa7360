"""A kernel whose memory the user's own segments read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..flags import ProgramFlags
from .base import Target

if TYPE_CHECKING:
    from ..memory.memory import Memory
    from ..platform import Platform


class CustomKernelTarget(Target):
    """A Linux kernel over a transport that the user provides.

    Raises ValueError if the platform is not known.
    """

    noun = "kernel"

    def __init__(
        self, vmcoreinfo: bytes, is_live: bool, platform: Platform | None
    ) -> None:
        if platform is None:
            raise ValueError(
                "platform must be set before calling set_linux_kernel_custom()"
            )
        self.platform = platform
        self.vmcoreinfo = vmcoreinfo
        self.flags = ProgramFlags.IS_LINUX_KERNEL
        if is_live:
            self.flags |= ProgramFlags.IS_LIVE

    def attach(self, memory: Memory) -> None:
        """The user has added, or will add, physical segments."""
