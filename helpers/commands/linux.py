"""Decorators for commands of the Linux kernel."""

from __future__ import annotations

from typing import Any

from drgn import Program, ProgramFlags

from .define import command, custom_command, raw_command


def _is_linux_kernel(prog: Program) -> bool:
    return bool(prog.flags & ProgramFlags.IS_LINUX_KERNEL)


def linux_kernel_command(*args: Any, **kwargs: Any) -> Any:
    """``command()`` that is enabled for the Linux kernel only."""
    return command(*args, enabled=_is_linux_kernel, **kwargs)


def linux_kernel_custom_command(*args: Any, **kwargs: Any) -> Any:
    """``custom_command()`` that is enabled for the Linux kernel only."""
    return custom_command(*args, enabled=_is_linux_kernel, **kwargs)


def linux_kernel_raw_command(*args: Any, **kwargs: Any) -> Any:
    """``raw_command()`` that is enabled for the Linux kernel only."""
    return raw_command(*args, enabled=_is_linux_kernel, **kwargs)
