"""Functions that GDB calls: what they take and return, and types in its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drgn import Language, Object, Program, Type, TypeKind, TypeParameter, sizeof
from drgn.target import function_at, is_prototyped, qualified_name


def gdb_type_name(type: Type) -> str:
    """The name of a type as GDB can read it."""
    return _readable(type).type_name()


def _readable(type: Type) -> Type:
    """A type of the same name, but with namespaces and without parameters' names."""
    prog, kind, qualifiers = type.prog, type.kind, type.qualifiers
    if kind is TypeKind.POINTER:
        target = _readable(type.type)
        return prog.pointer_type(target, type.size, qualifiers=qualifiers)
    if kind is TypeKind.ARRAY:
        element = _readable(type.type)
        return prog.array_type(element, type.length, qualifiers=qualifiers)
    if kind is TypeKind.FUNCTION:
        known = type.parameters if is_prototyped(type) else ()
        parameters = [TypeParameter(_readable(each.type)) for each in known]
        # GDB promotes what is in place of "...".
        return prog.function_type(
            _readable(type.type),
            parameters,
            type.is_variadic or len(known) < len(type.parameters),
            qualifiers=qualifiers,
        )
    name = qualified_name(type) if type.language is Language.CPP else None
    if name is None:
        return type
    if "(" in name:  # As of a namespace that has no name.
        name = f"'{name}'"
    return prog.typedef_type(
        name, prog.void_type(), qualifiers=qualifiers, language=type.language
    )


def check_call(function: Object, arguments: Sequence[Object]) -> None:
    """Raise ValueError for a call that GDB would do in a wrong way."""
    given = [argument.type_ for argument in arguments]
    for type in (function.type_.unaliased().type, *given):
        plain = type.unaliased()
        if plain.kind is TypeKind.INT and sizeof(plain) > 8:
            # GDB 13 passes them on the stack, and returns what is in the wrong place.
            raise ValueError(f"GDB cannot call functions with '{type.type_name()}'")


def returned_value(
    prog: Program, address: int, read: Callable[[Type], Object]
) -> Object | None:
    """What the function with the code at an address returned, by ``read(type)``.

    None if its type is not known, or one that has no values here.
    """
    try:
        return read(function_at(prog, address).type_.unaliased().type)
    except (LookupError, NotImplementedError):
        return None
