"""The part of a Program that finds types, objects and symbols by name."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..arguments import UINT64_MAX, class_label, path_argument, uint64
from ..errors import ObjectNotFoundError
from ..flags import FindObjectFlags
from ..objects.object import Object
from ..types.kinds import TypeKind, TypeKindSet
from ..types.type import Type
from .finders import FinderRegistry

if TYPE_CHECKING:
    from ..language.language import Language
    from ..symbols.symbol import Symbol
    from .program import Program

    TypeFinder = Callable[[Program, TypeKindSet, str, str | None], Type | None]
    ObjectFinder = Callable[[Program, str, FindObjectFlags, str | None], Object | None]
    SymbolFinder = Callable[[Program, str | None, int | None, bool], Sequence[Symbol]]

_ANY = FindObjectFlags.ANY
_UNKNOWN: Any = object()
# Names of nothing are only remembered beside so many.
_REMEMBERED_MAX = 1 << 16
_WHAT = {
    FindObjectFlags.CONSTANT: "constant ",
    FindObjectFlags.FUNCTION: "function ",
    FindObjectFlags.VARIABLE: "variable ",
}


def _anonymous_name(fn: Callable[..., Any], taken: set[str]) -> str:
    """A free name for a finder that was added without one."""
    base = getattr(fn, "__name__", type(fn).__name__)
    number = 0
    while (name := f"{base}_{number}") in taken:
        number += 1
    return name


def _not_found(error: LookupError, name: str) -> LookupError:
    """What a plain LookupError of an object finder means: there is no such object."""
    if type(error) is LookupError:
        return ObjectNotFoundError(str(error), name=name)
    return error


class Lookups:
    """Finders and the questions that they answer."""

    __slots__ = ()

    language: Language
    _type_finders: FinderRegistry[TypeFinder]
    _object_finders: FinderRegistry[ObjectFinder]
    _symbol_finders: FinderRegistry[SymbolFinder]
    _type_memo: dict[tuple[str, str | None], Type]
    _missing_types: dict[tuple[str, str | None], str]
    """What the LookupErrors of names say that static finders do not know."""
    _found_types: dict[tuple[TypeKindSet, str, str | None], Type]
    _found_objects: dict[tuple[str, int, str | None], Object | None]
    """What static finders found; None is what none of them knows."""

    # Types.

    def type(self: Program, name: str | Type, filename: str | None = None) -> Type:
        """Find a type by its name, as one writes it in the program's language.

        ``filename`` restricts the search to definitions in matching files. A
        Type is returned as it is. Raises LookupError if there is none and
        SyntaxError if ``name`` cannot be parsed.
        """
        filename = _path(filename)
        if isinstance(name, Type):
            if name.prog is not self:
                raise ValueError("type is from different program")
            return name
        if not isinstance(name, str):
            raise TypeError("type() argument 1 must be str or Type")
        found = self._type_memo.get((name, filename))
        return self._parse_type_name(name, filename) if found is None else found

    def _parse_type_name(self: Program, name: str, filename: str | None) -> Type:
        key = name, filename
        missing = self._missing_types
        if key in missing:
            raise LookupError(missing[key])
        # Finders of the user's may answer differently the next time.
        static = all(static for _, static in self._type_finders)
        try:
            found = self.language.parse_type_name(self, name, filename)
        except LookupError as error:
            # Finders may load debugging information, which makes another dict.
            current = missing is self._missing_types
            if static and current and len(missing) < _REMEMBERED_MAX:
                missing[key] = str(error)
            raise
        if static:
            self._type_memo[key] = found
        return found

    def _find_type(
        self: Program, kinds: TypeKindSet, name: str, filename: str | None
    ) -> Type | None:
        """Ask the type finders; None if none of them knows the type."""
        key = (kinds, name, filename)
        for finder, static in self._type_finders:
            if static:
                found = self._found_types.get(key)
                if found is not None:
                    return found
            found = finder(self, kinds, name, filename)
            if found is None:
                continue
            if not isinstance(found, Type):
                raise TypeError("type find callback must return Type or None")
            if found.prog is not self:
                raise ValueError("type find callback returned type from wrong program")
            if found.kind not in kinds:
                raise TypeError("type find callback returned wrong kind of type")
            if static:
                self._found_types[key] = found
            return found
        return None

    def register_type_finder(
        self: Program, name: str, fn: TypeFinder, *, enable_index: int | None = None
    ) -> None:
        """Register ``fn(prog, kinds, name, filename) -> Type | None``."""
        self._type_finders.register(name, fn, enable_index)

    def registered_type_finders(self: Program) -> set[str]:
        """The names of all type finders."""
        return self._type_finders.registered()

    def set_enabled_type_finders(self: Program, names: Sequence[str]) -> None:
        """Enable exactly these type finders, in this order."""
        self._type_finders.set_enabled(names)

    def enabled_type_finders(self: Program) -> list[str]:
        """The names of the enabled type finders, in order."""
        return self._type_finders.enabled()

    def add_type_finder(
        self: Program, fn: Callable[[TypeKind, str, str | None], Type | None]
    ) -> None:
        """Deprecated form: enable ``fn(kind, name, filename)`` before all others."""
        if not callable(fn):
            raise TypeError("fn must be callable")

        def finder(
            prog: Program, kinds: TypeKindSet, name: str, filename: str | None
        ) -> Type | None:
            for kind in kinds:
                found = fn(kind, name, filename)
                if found is not None:
                    return found
            return None

        name = _anonymous_name(fn, self._type_finders.registered())
        self._type_finders.register(name, finder, 0)

    # Objects.

    def __getitem__(self: Program, name: str) -> Object:
        """The variable, function or constant ``name``.

        Raises ObjectNotFoundError (a KeyError) if there is none.
        """
        if not isinstance(name, str):
            # A KeyError of None has no argument.
            raise KeyError() if name is None else KeyError(name)
        try:
            found = self._find_object(name, _ANY, None)
        except LookupError as error:
            raise _not_found(error, name) from None
        if found is None:
            raise ObjectNotFoundError(f"could not find '{name}'", name=name)
        return found

    def __contains__(self: Program, name: str) -> bool:
        try:
            return isinstance(name, str) and (
                self._find_object(name, _ANY, None) is not None
            )
        except LookupError as error:
            if type(error) is LookupError:
                return False
            raise

    # Indices are names: there is nothing to iterate over.
    __iter__ = None
    __reversed__ = None

    def object(
        self: Program,
        name: str,
        flags: FindObjectFlags = FindObjectFlags.ANY,
        filename: str | None = None,
    ) -> Object:
        """Find an object of one of the kinds in ``flags`` by its name.

        ``filename`` restricts the search to definitions in matching files.
        Raises ObjectNotFoundError if there is none.
        """
        if not isinstance(flags, FindObjectFlags):
            raise TypeError(f"expected FindObjectFlags, not {class_label(flags)}")
        filename = _path(filename)
        if not isinstance(name, str):
            raise TypeError(f"name must be str, not {class_label(name)}")
        if not flags:
            raise ValueError("invalid find object flags")
        try:
            found = self._find_object(name, flags, filename)
        except LookupError as error:
            raise _not_found(error, name) from None
        if found is None:
            where = "" if filename is None else f" in '{filename}'"
            raise ObjectNotFoundError(
                f"could not find {_WHAT.get(flags, '')}'{name}'{where}", name=name
            )
        return found

    def constant(self: Program, name: str, filename: str | None = None) -> Object:
        """Find a constant, such as an enumerator."""
        return self.object(name, FindObjectFlags.CONSTANT, filename)

    def function(self: Program, name: str, filename: str | None = None) -> Object:
        """Find a function."""
        return self.object(name, FindObjectFlags.FUNCTION, filename)

    def variable(self: Program, name: str, filename: str | None = None) -> Object:
        """Find a variable."""
        return self.object(name, FindObjectFlags.VARIABLE, filename)

    def _find_object(
        self: Program, name: str, flags: FindObjectFlags, filename: str | None
    ) -> Object | None:
        """Ask the object finders; None if none of them knows the object."""
        key = (name, flags._value_, filename)
        memo = self._found_objects
        for finder, static in self._object_finders:
            # Finders may load debugging information, which makes another memo.
            found = self._found_objects.get(key, _UNKNOWN) if static else _UNKNOWN
            if found is _UNKNOWN:
                found = finder(self, name, flags, filename)
            if found is None:
                continue
            if not isinstance(found, Object):
                raise TypeError("object find callback must return Object or None")
            if found.prog_ is not self:
                raise ValueError("objects are from different programs")
            if static:
                self._found_objects[key] = found
            return found
        if memo is self._found_objects and len(memo) < _REMEMBERED_MAX:
            memo[key] = None
        return None

    def register_object_finder(
        self: Program, name: str, fn: ObjectFinder, *, enable_index: int | None = None
    ) -> None:
        """Register ``fn(prog, name, flags, filename) -> Object | None``."""
        self._object_finders.register(name, fn, enable_index)

    def registered_object_finders(self: Program) -> set[str]:
        """The names of all object finders."""
        return self._object_finders.registered()

    def set_enabled_object_finders(self: Program, names: Sequence[str]) -> None:
        """Enable exactly these object finders, in this order."""
        self._object_finders.set_enabled(names)

    def enabled_object_finders(self: Program) -> list[str]:
        """The names of the enabled object finders, in order."""
        return self._object_finders.enabled()

    def add_object_finder(self: Program, fn: ObjectFinder) -> None:
        """Deprecated form: enable ``fn`` before all others."""
        if not callable(fn):
            raise TypeError("fn must be callable")
        name = _anonymous_name(fn, self._object_finders.registered())
        self._object_finders.register(name, fn, 0)

    # Symbols.

    def symbol(self: Program, address_or_name: SupportsIndex | str, /) -> Symbol:
        """The symbol of a name, or the one that contains an address.

        Raises LookupError if there is none.
        """
        name, address = _name_or_address(address_or_name)
        found = self._find_symbol(name, address)
        if found is None:
            if name is not None:
                raise LookupError(f"could not find symbol with name '{name}'")
            raise LookupError(f"could not find symbol containing {address:#x}")
        return found

    def symbols(
        self: Program, address_or_name: SupportsIndex | str | None = None, /
    ) -> list[Symbol]:
        """All symbols, or all of a name, or all that contain an address."""
        if address_or_name is None:
            name, address = None, None
        else:
            name, address = _name_or_address(address_or_name)
        found: list[Symbol] = []
        for finder, _ in self._symbol_finders:
            found.extend(_checked_symbols(finder(self, name, address, False)))
        return found

    def _find_symbol(
        self: Program, name: str | None, address: int | None
    ) -> Symbol | None:
        for finder, _ in self._symbol_finders:
            found = _checked_symbols(finder(self, name, address, True), one=True)
            if found:
                return found[0]
        return None

    def _symbol_for_format(self: Program, address: int) -> str | None:
        """How a pointer to ``address`` is shown, such as ``schedule+0x1f``."""
        symbol = self._find_symbol(None, address)
        if symbol is None:
            return None
        # A finder of the user's may answer with a symbol that lies elsewhere.
        return f"{symbol.name}+{(address - symbol.address) & UINT64_MAX:#x}"

    def register_symbol_finder(
        self: Program, name: str, fn: SymbolFinder, *, enable_index: int | None = None
    ) -> None:
        """Register ``fn(prog, name, address, one) -> Sequence[Symbol]``."""
        self._symbol_finders.register(name, fn, enable_index)

    def registered_symbol_finders(self: Program) -> set[str]:
        """The names of all symbol finders."""
        return self._symbol_finders.registered()

    def set_enabled_symbol_finders(self: Program, names: Sequence[str]) -> None:
        """Enable exactly these symbol finders, in this order."""
        self._symbol_finders.set_enabled(names)

    def enabled_symbol_finders(self: Program) -> list[str]:
        """The names of the enabled symbol finders, in order."""
        return self._symbol_finders.enabled()

    def _forget_lookups(self: Program) -> None:
        """Drop what was remembered of lookups: there is new debug info."""
        self._forget_found()
        self._types.forget_primitives()

    def _forget_found(self: Program) -> None:
        """Drop what finders found: there are others. Primitive types stay."""
        self._type_memo.clear()
        self._missing_types = {}
        self._found_types.clear()
        self._forget_objects()

    def _forget_objects(self: Program) -> None:
        """Drop what object finders found: it may have other addresses."""
        # Another dict, so that a lookup under way sees that it was asked too early.
        self._found_objects = {}


def _path(filename: Any) -> str | None:
    return None if filename is None else path_argument(filename)


def _name_or_address(value: Any) -> tuple[str | None, int | None]:
    if isinstance(value, str):
        return value, None
    return None, uint64(operator.index(value))


def _checked_symbols(found: Any, *, one: bool = False) -> list[Symbol]:
    """What a symbol finder returned, at most ``one`` Symbol if it was asked for one.

    Raises ValueError if there are more, TypeError if that is no sequence of Symbols.
    """
    from ..symbols.symbol import Symbol

    try:
        symbols = list(found)
    except TypeError:
        raise TypeError("symbol finder must return a sequence") from None
    if one and len(symbols) > 1:
        raise ValueError(
            "symbol finder returned multiple elements, but one was requested"
        )
    if not all(isinstance(symbol, Symbol) for symbol in symbols):
        raise TypeError("symbol finder results must be of type Symbol")
    return symbols
