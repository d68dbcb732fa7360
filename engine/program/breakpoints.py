"""Setting breakpoints: what a user calls a place, as targets want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsIndex

from ..arguments import uint64
from ..objects.object import Object
from ..symbols.symbol import Symbol
from ..targets.control import Breakpoint, Place
from ..types.kinds import TypeKind

if TYPE_CHECKING:
    from ..targets.base import Target
    from ..targets.control import Callback
    from .program import Program

    Location = str | SupportsIndex | Object | Symbol


def set_breakpoint(
    prog: Program,
    target: Target,
    location: Location,
    callback: Callback | None,
    condition: str | None,
    temporary: bool,
    pending: bool,
) -> Breakpoint:
    """See `Program.breakpoint`."""
    if callback is not None and not callable(callback):
        raise TypeError("callback must be callable")
    if condition is not None and not isinstance(condition, str):
        raise TypeError("condition must be str or None")
    place = _place(prog, location)
    if place.address is None and not target.resolves_names:
        place = _resolved(prog, location, place)
    found = Breakpoint(location, place, callback, condition, bool(temporary))
    found._set = target.set_breakpoint(found, bool(pending))
    return found


def _place(prog: Program, location: Location) -> Place:
    if isinstance(location, str):
        return _named(prog, location)
    if isinstance(location, Symbol):
        return Place(location.address)
    if isinstance(location, Object):
        return _of_object(prog, location)
    return Place(uint64(location))


def _named(prog: Program, text: str) -> Place:
    from ..stack.api import parse_address

    text = text.strip().removeprefix("*")
    filename, _, line = text.rpartition(":")
    if filename and not filename.endswith(":") and line.strip().isdigit():
        return Place(filename=filename, line=int(line))
    if "+" in text.partition("operator")[0] or text[:1].isdigit():
        return Place(parse_address(prog, text))
    if not text:
        raise ValueError("expected function name, file:line or address")
    return Place(function=text)


def _resolved(prog: Program, location: Location, place: Place) -> Place:
    """A place for a target that knows addresses alone."""
    if isinstance(location, Object):
        return Place(location.address_)
    if place.line is not None:
        raise LookupError(f"the target does not know where {location!r} is")
    assert place.function is not None
    return Place(prog.symbol(place.function).address)


def _of_object(prog: Program, obj: Object) -> Place:
    """The place of a function by its Object, or of an address by a pointer's value."""
    if obj.prog_ is not prog:
        raise ValueError("object is from different program")
    if obj.type_.unaliased().kind is not TypeKind.FUNCTION:
        return Place(obj.__index__())
    address = obj.address_
    if address is None:
        raise ValueError("function has no address")
    from ..stack.code import CodeInfo

    # By name and file, since several may have the name; targets find its body.
    function = CodeInfo.of(prog).at(address).calls[-1]
    if function.name is None or function.line is None:
        return Place(address)
    return Place(function=function.name, filename=function.line.filename)
