"""The exceptions that a user of the API can catch."""

from __future__ import annotations


class FaultError(Exception):
    """Memory at an address could not be read.

    ``message`` says what failed and ``address`` is the first bad address.
    """

    message: str
    address: int

    def __init__(self, message: str, address: int) -> None:
        # No args of keywords, as of any exception.
        self.message = message
        self.address = address

    def __str__(self) -> str:
        return "%s: %#x" % (self.message, self.address)  # noqa: UP031


class MissingDebugInfoError(Exception):
    """Debugging information for some modules could not be found."""


class NoDefaultProgramError(Exception):
    """The default program was asked for and none is set."""


class ObjectAbsentError(Exception):
    """The value of an absent object was asked for."""


class ObjectNotFoundError(KeyError):
    """No object of a given ``name`` was found."""

    name: str

    # Optional, since copies are made of the other arguments alone.
    def __init__(self, *args: object, name: str | None = None) -> None:
        super().__init__(*args)
        self.__dict__["name"] = name

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which is no message.
        return Exception.__str__(self)


class OutOfBoundsError(Exception):
    """An access lies outside the bounds of a value or a type."""


class UnsupportedOperation(ValueError):
    """The target does not support what was asked for."""


class BadDataError(Exception):
    """Debugging information or a dump is malformed."""
