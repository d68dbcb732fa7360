"""The commands of the crash utility, over drgn's API.

``%crash ps`` runs one, ``%crash`` opens a prompt at which they stand alone, and so does
the program ``drgn-crash``; in GDB it is ``drgn crash ps``.

How a command is written
------------------------
A module of this package holds a command or a few that belong together, and a line of
:mod:`._table` names the module for each of them, so that running one command imports no
other. The modules whose names begin with an underscore are what commands share:

- :mod:`._define`: the decorators ``crash_command()``, ``crash_custom_command()`` and
  ``crash_raw_command()``: those of :mod:`drgn.commands`, for this namespace. Arguments
  may have ``type="hexadecimal"``, ``"decimal_or_hexadecimal"``, ``"address"``,
  ``"pid_or_task"``; argument declarations that several commands have are there too.
- :mod:`._context`: the task that commands without an argument are about (``set``
  chooses it), and tasks by PID or address.
- :mod:`._tasks`: the line that names a task, and tasks by PID or address, all of an
  argument list at a time; :mod:`._task_command`: commands that ``foreach`` can run.
- :mod:`._cpuspec`: CPUs as in ``runqueues:0,2-3``.
- :mod:`._members`: ``struct_name.member,member[3].submember``.
- :mod:`._address`: addresses and symbols as arguments.
- :mod:`._output`: the radix, tables and columns.
- :mod:`._code`: ``CrashCodeBuilder``, the code that ``--drgn`` prints.

A command computes first and prints then, a line of text or ``print_table()`` rows at a
time. It raises CommandArgumentError for arguments that cannot be, CommandError,
LookupError, ValueError or FaultError for what cannot be answered: the prompt makes a
line of any of them, and a script sees the exception. What it returns is for scripts:
None, or the Objects that it printed.

With ``--drgn`` it prints code instead, by a ``CrashCodeBuilder``: statements on the
public API and helpers alone, which run at the prompt as they stand and leave the same
data in variables with telling names. They print nothing that the command would format.
:mod:`.sym` and :mod:`.struct` are patterns to follow.
"""

from __future__ import annotations

from ._define import (
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
