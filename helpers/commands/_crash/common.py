"""The decorators that make such commands."""

from drgn.commands.crash import (
    CRASH_COMMAND_NAMESPACE,
    crash_command,
    crash_custom_command,
    crash_raw_command,
)

__all__ = (
    "CRASH_COMMAND_NAMESPACE",
    "crash_command",
    "crash_custom_command",
    "crash_raw_command",
)
