"""
Commands of the Linux kernel
----------------------------

Decorators for commands that are there where the program is a Linux kernel. Their
parameters are those of :mod:`drgn.commands`; with ``enabled`` both must be so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drgn import Program, ProgramFlags

from .define import command, custom_command, raw_command


def _in_linux_kernel(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a command, which is also to be enabled as they say."""
    enabled: Callable[[Program], bool] | None = options.get("enabled")

    def in_linux_kernel(prog: Program) -> bool:
        if not prog.flags & ProgramFlags.IS_LINUX_KERNEL:
            return False
        return enabled is None or enabled(prog)

    return {**options, "enabled": in_linux_kernel}


def linux_kernel_command(*args: Any, **kwargs: Any) -> Any:
    """``command()`` that is enabled for the Linux kernel only."""
    return command(*args, **_in_linux_kernel(kwargs))


def linux_kernel_custom_command(*args: Any, **kwargs: Any) -> Any:
    """``custom_command()`` that is enabled for the Linux kernel only."""
    return custom_command(*args, **_in_linux_kernel(kwargs))


def linux_kernel_raw_command(*args: Any, **kwargs: Any) -> Any:
    """``raw_command()`` that is enabled for the Linux kernel only."""
    return raw_command(*args, **_in_linux_kernel(kwargs))
