"""The values of expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import drgn
from drgn import Object, TypeKind

from .errors import MemoryError, error
from .lexer import unescape
from .operations import COMPARISONS, binary, cast, compare, unary
from .parser import Parser, Tree
from .session import Session
from .types import COMPOUND, Type, size_of
from .value import (
    ADDRESSES,
    NO_STRUCTURE,
    Value,
    decayed,
    member,
    number,
    reading,
    text_object,
)

_MAX_TREES = 4096


def evaluate(session: Session, text: str) -> Value:
    """The value of an expression. Raises ``gdb.error``."""
    tree = parse(session, text)
    try:
        return value_of(session, tree)
    except (TypeError, ValueError, OverflowError, NotImplementedError) as reason:
        # What drgn's objects do not do, in its words.
        raise error(str(reason)) from None


def evaluate_address(session: Session, text: str) -> int:
    """The address that an expression is, of an array or function its own.

    Raises ``gdb.error``.
    """
    return number(decayed(evaluate(session, text)._obj)) & ADDRESSES


def parse(session: Session, text: str) -> Tree:
    """The tree of an expression."""
    tree = session.trees.get(text)
    if tree is None:
        if not text.strip():
            raise error("Argument required (expression to compute).")
        try:
            tree = Parser(text, session.find_type, session.is_variable).parse()
        except RecursionError:
            raise error("Expression is nested too deeply.") from None
        if len(session.trees) >= _MAX_TREES:
            session.trees.clear()
        session.trees[text] = tree
    return tree


def value_of(session: Session, tree: Tree) -> Value:
    """The value of a tree."""
    return _KINDS[tree[0]](session, tree)


def _number(session: Session, tree: Tree) -> Value:
    return Value(Object(session.prog, session.c_type(tree[2]), tree[1]))


def _string(session: Session, tree: Tree) -> Value:
    return Value(text_object(unescape(tree[1])))


def _char(session: Session, tree: Tree) -> Value:
    inside = unescape(tree[1])
    if len(inside) != 1:
        raise error("Invalid character constant.")
    value = inside[0] - 256 if inside[0] > 127 else inside[0]
    return Value(Object(session.prog, session.c_type("char"), value))


def _type(session: Session, tree: Tree) -> Value:
    # ``whatis`` and ``ptype`` take types before they come here.
    raise error("Attempt to use a type name as an expression")


def _name(session: Session, tree: Tree) -> Value:
    return session.variable(tree[1], tree[2])


def _variable(session: Session, tree: Tree) -> Value:
    return dollar(session, tree[1])


def dollar(session: Session, name: str) -> Value:
    """``$name``, ``$1``, ``$``, ``$$2``, a register."""
    if name in ("$", "$$"):
        if not session.history:
            return void(session)
        back = 0 if name == "$" else -1
        return (
            session.history_value(back)
            if len(session.history) > -back
            else void(session)
        )
    if name.startswith("$$") and name[2:].isdigit():
        return session.history_value(-int(name[2:]))
    if name[1:].isdigit():
        return session.history_value(int(name[1:]))
    found = session.convenience.get(name[1:])
    if found is None and name.startswith("$_"):
        from .convenience import variable

        found = variable(session, name[1:])
    if found is not None:
        return found
    if session.has_stack():
        from .registers import register

        register_value = register(session, name[1:])
        if register_value is not None:
            return register_value
    return void(session)


def void(session: Session) -> Value:
    """The value of what was never set."""
    return Value(Object(session.prog, session.prog.void_type()))


def _unary(session: Session, tree: Tree) -> Value:
    sign, of = tree[1], tree[2]
    if sign == "&":
        return address_of(value_of(session, of))
    value = value_of(session, of)
    if sign == "*":
        if value._obj.type_.kind is TypeKind.FUNCTION:
            return value
        obj = value._obj
        if obj.type_.unaliased_kind() is TypeKind.POINTER:
            target = obj.type_.unaliased().type
            if target.unaliased_kind() is TypeKind.VOID:
                raise error("Attempt to dereference a generic pointer.")
        if obj.type_.unaliased_kind() in COMPOUND:
            raise error("Structure has no component named operator*.")
        return value.dereference()
    return unary(sign, value)


def address_of(value: Value) -> Value:
    """``&value``. Raises ``gdb.error`` where it is not in memory."""
    if value._obj.bit_field_size_ is not None:
        raise error("Attempt to take address of value not located in memory.")
    found = value.address
    if found is None:
        raise error("Attempt to take address of value not located in memory.")
    return found


def _binary(session: Session, tree: Tree) -> Value:
    sign = tree[1]
    left, right = value_of(session, tree[2]), value_of(session, tree[3])
    if sign in COMPARISONS:
        kinds = left._obj.type_.unaliased_kind(), right._obj.type_.unaliased_kind()
        if any(kind in COMPOUND for kind in kinds):
            raise error(f"Structure has no component named operator{sign}.")
        return truth(session, compare(sign, left, right))
    return binary(sign, left, right)


def truth(session: Session, value: bool) -> Value:
    """1 or 0; in C++ true or false."""
    name = "bool" if session.is_cplus() else "int"
    return Value(Object(session.prog, session.c_type(name), value))


def _and(session: Session, tree: Tree) -> Value:
    left = bool(value_of(session, tree[1]))
    return truth(session, left and bool(value_of(session, tree[2])))


def _or(session: Session, tree: Tree) -> Value:
    left = bool(value_of(session, tree[1]))
    return truth(session, left or bool(value_of(session, tree[2])))


def _repeat(session: Session, tree: Tree) -> Value:
    """``place@count``: an array in memory."""
    obj = value_of(session, tree[1])._obj
    count = number(value_of(session, tree[2])._obj)
    if count < 1:
        raise error(f"Invalid number {count} of repetitions.")
    if obj.address_ is None:
        raise error("Only values in memory can be extended with '@'.")
    array = session.prog.array_type(obj.type_, count)
    return Value(Object(session.prog, array, address=obj.address_))


def _choose(session: Session, tree: Tree) -> Value:
    return value_of(session, tree[2] if value_of(session, tree[1]) else tree[3])


def _comma(session: Session, tree: Tree) -> Value:
    value_of(session, tree[1])
    return value_of(session, tree[2])


def _after(session: Session, tree: Tree) -> Value:
    """``x++``: the value before the assignment."""
    before = value_of(session, tree[2])
    value_of(session, tree[1])
    return before


def _cast(session: Session, tree: Tree) -> Value:
    return cast(value_of(session, tree[2]), tree[1])


def _at(session: Session, tree: Tree) -> Value:
    address = number(value_of(session, tree[2])._obj) & ADDRESSES
    return Value(Object(session.prog, tree[1], address=address))


def _sizeof(session: Session, tree: Tree) -> Value:
    from .static import type_of

    return _size(session, size_of(type_of(session, tree[1])))


def _alignof(session: Session, tree: Tree) -> Value:
    from .static import type_of

    return _size(session, Type(type_of(session, tree[1])).alignof)


def _size(session: Session, size: int) -> Value:
    """A size as GDB has it: an ``int``, though C's has no sign."""
    type_ = session.c_type("int" if size < 1 << 31 else "long")
    return Value(Object(session.prog, type_, size))


def _index(session: Session, tree: Tree) -> Value:
    value, index = value_of(session, tree[1]), value_of(session, tree[2])
    obj = value._obj
    kind = obj.type_.unaliased_kind()
    if kind is TypeKind.INT and index._obj.type_.unaliased_kind() is TypeKind.POINTER:
        value, index = index, value
    elif kind not in (TypeKind.ARRAY, TypeKind.POINTER):
        plain = value.type.strip_typedefs()
        if kind in COMPOUND:
            raise error("Structure has no component named operator[].")
        if kind is TypeKind.FUNCTION:
            raise error("cannot subscript requested type")
        raise error(f"cannot subscript something of type `{plain.name}'")
    with reading():
        return value[number(index._obj)]


def _member(session: Session, tree: Tree) -> Value:
    value = value_of(session, tree[1])
    kind = value._obj.type_.unaliased_kind()
    if kind is TypeKind.POINTER and session.settings["print object"]:
        value = value.cast(value.dynamic_type)
    elif kind not in (TypeKind.POINTER, TypeKind.ARRAY, *COMPOUND):
        raise error(NO_STRUCTURE)
    return member(value, tree[2])


def _call(session: Session, tree: Tree) -> Value:
    called = tree[1]
    arguments = [value_of(session, each) for each in tree[2]]
    if called[0] == "variable":
        function = session.functions.get(called[1][1:])
        if function is None:
            raise error(
                "You can't do that without a process to debug."
                if session.convenience.get(called[1][1:])
                else f'No function "{called[1][1:]}" in current program.'
            )
        return _call_python(session, function, arguments)
    value_of(session, called)
    raise error("You can't do that without a process to debug.")


def _call_python(session: Session, function: Any, arguments: list[Value]) -> Value:
    from .convenience import BuiltIn

    try:
        result = function.invoke(*arguments)
    except Exception as reason:
        if isinstance(function, BuiltIn):
            raise
        from .scripts import python_error

        raise python_error(reason) from None
    if isinstance(result, Value):
        return result
    try:
        return Value(result)
    except TypeError as reason:
        from .scripts import PythonError, python_error

        python_error(reason)  # Prints it.
        raise PythonError("Error while executing Python code.") from None


def _assign(session: Session, tree: Tree) -> Value:
    place, value = tree[1], value_of(session, tree[2])
    if place[0] == "variable":
        name = place[1][1:]
        if name.isdigit() or name in ("", "$"):
            raise error("Left operand of assignment is not a modifiable lvalue.")
        if name not in session.convenience and _is_register(session, name):
            raise error("You can't do that without a process to debug.")
        session.convenience[name] = kept(value)
        return session.convenience[name]
    target = value_of(session, place)._obj
    if target.address_ is None:
        raise error("Left operand of assignment is not an lvalue.")
    return _write(session, target, value)


def _is_register(session: Session, name: str) -> bool:
    from .registers import register

    return session.has_stack() and register(session, name) is not None


def kept(value: Value) -> Value:
    """A value that a variable keeps: scalars as they are now."""
    obj = value._obj
    kinds = *COMPOUND, TypeKind.ARRAY, TypeKind.FUNCTION, TypeKind.VOID
    if obj.address_ is None or obj.type_.unaliased_kind() in kinds:
        return value
    with reading():
        return Value(obj.read_())


def _write(session: Session, target: Object, value: Value) -> Value:
    converted = cast(value, target.type_)._obj
    assert target.address_ is not None
    try:
        target.write_(converted)
    except (drgn.FaultError, ValueError, drgn.UnsupportedOperation):
        where = target.address_
        raise MemoryError(f"Cannot access memory at address {where:#x}") from None
    return Value(target)


_KINDS: dict[str, Callable[[Session, Tree], Value]] = {
    "number": _number,
    "string": _string,
    "char": _char,
    "type": _type,
    "name": _name,
    "variable": _variable,
    "unary": _unary,
    "binary": _binary,
    "&&": _and,
    "||": _or,
    "@": _repeat,
    "choose": _choose,
    "comma": _comma,
    "after": _after,
    "cast": _cast,
    "at": _at,
    "sizeof": _sizeof,
    "alignof": _alignof,
    "index": _index,
    "member": _member,
    "call": _call,
    "assign": _assign,
}
