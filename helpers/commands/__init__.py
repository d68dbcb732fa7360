"""
Writing commands
----------------

Commands: one definition, run at the prompt as ``%name`` and in GDB too, where it is
``drgn name``.

.. code-block:: python3

    from drgn.commands import argument, command

    @command(
        description="list the threads of the program",
        arguments=(
            argument("-n", "--names", action="store_true", help="with their names"),
        ),
    )
    def _cmd_threads(prog, name, args, *, parser, globals):
        for thread in prog.threads():
            print(thread.tid, *([thread.name] if args.names else []))

Redirections and pipes (``%threads -n | sort > file``) come with it. What the function
returns is ``_`` at the prompt; it fails by raising a :class:`CommandError`. A module of
such functions is loaded in every session if it is a plugin.
"""

from __future__ import annotations

from importlib import import_module

from .arguments import (
    argument,
    argument_group,
    drgn_argument,
    mutually_exclusive_group,
)
from .code import DrgnCodeBlockContext, DrgnCodeBuilder
from .define import (
    CommandFunc,
    CommandFuncDecorator,
    CustomCommandFunc,
    CustomCommandFuncDecorator,
    command,
    custom_command,
    raw_command,
)
from .errors import (
    CommandArgumentError,
    CommandError,
    CommandExitStatusError,
    CommandNotFoundError,
)
from .namespace import (
    DEFAULT_COMMAND_NAMESPACE,
    Command,
    CommandNamespace,
    run_command,
)
from .shell import (
    ParsedCommand,
    RedirectOp,
    ShellRedirection,
    parse_shell_command,
    unquote_shell_word,
)

__all__ = (
    "DEFAULT_COMMAND_NAMESPACE",
    "Command",
    "CommandArgumentError",
    "CommandError",
    "CommandExitStatusError",
    "CommandFunc",
    "CommandFuncDecorator",
    "CommandNamespace",
    "CommandNotFoundError",
    "CustomCommandFunc",
    "CustomCommandFuncDecorator",
    "DrgnCodeBlockContext",
    "DrgnCodeBuilder",
    "ParsedCommand",
    "RedirectOp",
    "ShellRedirection",
    "argument",
    "argument_group",
    "command",
    "custom_command",
    "drgn_argument",
    "mutually_exclusive_group",
    "parse_shell_command",
    "raw_command",
    "run_command",
    "unquote_shell_word",
)

for _name in __all__:
    _value = globals()[_name]
    if isinstance(_value, type):
        # As tracebacks and texts have it from upstream.
        _value.__module__ = __name__


def __getattr__(name: str) -> object:
    if name == "linux":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
