"""How a command fails."""

from __future__ import annotations

from collections.abc import Sequence


class CommandError(Exception):
    """A command failed."""


class CommandNotFoundError(CommandError):
    """There is no command ``name``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name}: command not found"


class CommandArgumentError(CommandError):
    """The arguments of a command could not be parsed."""


class CommandExitStatusError(CommandError):
    """The shell pipeline ``command`` ended with ``exit_status``, which is not 0."""

    def __init__(self, command: str, exit_status: int) -> None:
        super().__init__(command, exit_status)
        self.command = command
        self.exit_status = exit_status

    def __str__(self) -> str:
        return f"{self.command!r} exited with status {self.exit_status}"


SEVERAL_ERRORS = "errors while running command"
"""The message of an ExceptionGroup: a command failed, and so did its pipeline."""


def errors_of(error: Exception) -> Sequence[Exception]:
    """What went wrong, one by one."""
    if isinstance(error, ExceptionGroup) and error.message == SEVERAL_ERRORS:
        errors: Sequence[Exception] = error.exceptions
        return errors
    return (error,)
