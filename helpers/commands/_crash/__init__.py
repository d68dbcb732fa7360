"""Commands in the namespace of ``%crash``, by the name that upstream's plugins import.

The package itself is :mod:`drgn.commands.crash`.
"""

from .common import CRASH_COMMAND_NAMESPACE, crash_command, crash_custom_command

__all__ = ("CRASH_COMMAND_NAMESPACE", "crash_command", "crash_custom_command")
