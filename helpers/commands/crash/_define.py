"""Decorators that make commands of this namespace, and arguments that several have."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from drgn import Program, ProgramFlags
from drgn.commands import (
    CommandFuncDecorator,
    CustomCommandFuncDecorator,
    argument,
    command,
    custom_command,
    raw_command,
)

from ._namespace import CrashCommandNamespace
from ._table import MODULES


class PidOrTask(NamedTuple):
    """A task as it was typed: by its PID, or by the address of its task_struct."""

    kind: str
    """"pid" or "task"."""
    value: int


def pid_or_task(text: str) -> PidOrTask:
    """Take decimal digits for a PID, and other hexadecimal ones for an address."""
    if re.fullmatch(r"[0-9]+", text):
        return PidOrTask("pid", int(text))
    return PidOrTask("task", int(text, 16))


def address(text: str) -> int:
    """Take hexadecimal digits for an address, or a value as large as one."""
    value = int(text, 16)
    if not 0 <= value < 1 << 64:
        raise ValueError("not a number of 64 bits")
    return value


CRASH_COMMAND_NAMESPACE = CrashCommandNamespace(
    {name: f"{__package__}.{module}" for name, module in MODULES.items()},
    argparse_types=(("pid_or_task", pid_or_task), ("address", address)),
)
"""The commands of ``%crash``."""


def _is_linux_kernel(prog: Program) -> bool:
    return bool(prog.flags & ProgramFlags.IS_LINUX_KERNEL)


def crash_command(**parts: Any) -> CommandFuncDecorator[Any]:
    """``drgn.commands.command()`` of this namespace.

    The function's name begins with ``_crash_cmd_``, unless ``name`` is passed.
    """
    return command(namespace=CRASH_COMMAND_NAMESPACE, enabled=_is_linux_kernel, **parts)


def crash_custom_command(**parts: Any) -> CustomCommandFuncDecorator[Any]:
    """``drgn.commands.custom_command()`` of this namespace."""
    return custom_command(
        namespace=CRASH_COMMAND_NAMESPACE, enabled=_is_linux_kernel, **parts
    )


def crash_raw_command(**parts: Any) -> CustomCommandFuncDecorator[Any]:
    """``drgn.commands.raw_command()`` of this namespace."""
    return raw_command(
        namespace=CRASH_COMMAND_NAMESPACE, enabled=_is_linux_kernel, **parts
    )


radix_arguments = (
    argument(
        "-x",
        dest="integer_base",
        action="store_const",
        const=16,
        help="show integers in hexadecimal, whatever the radix is set to",
    ),
    argument(
        "-d",
        dest="integer_base",
        action="store_const",
        const=10,
        help="show integers in decimal, whatever the radix is set to",
    ),
)
"""``-x`` and ``-d``: an ``integer_base`` for :func:`._output.format_options`."""
