"""The types of expressions: what they point to is not read, and nothing is assigned.

Objects stand for the values, of the right type at an address that does not matter.
"""

from __future__ import annotations

from collections.abc import Callable

import drgn
from drgn import Object, TypeKind

from .errors import error
from .evaluate import parse, value_of
from .operations import binary, unary
from .parser import Tree
from .session import Session
from .types import COMPOUND
from .value import Value, member

_SCALARS = (
    TypeKind.INT,
    TypeKind.BOOL,
    TypeKind.ENUM,
    TypeKind.FLOAT,
    TypeKind.POINTER,
)


def static_type(session: Session, text: str) -> drgn.Type:
    """The type of an expression, or that a text names. Raises ``gdb.error``."""
    tree = parse(session, text)
    try:
        return type_of(session, tree)
    except (TypeError, ValueError, OverflowError, NotImplementedError) as reason:
        raise error(str(reason)) from None


def type_of(session: Session, tree: Tree) -> drgn.Type:
    """The type of a tree. Raises as `value_of()` does, but of memory alone."""
    found: drgn.Type = tree[1] if tree[0] == "type" else _object(session, tree).type_
    return found


def _object(session: Session, tree: Tree) -> Object:
    method = _KINDS.get(tree[0])
    return value_of(session, tree)._obj if method is None else method(session, tree)


def _at(type_: drgn.Type) -> Object:
    return Object(type_.prog, type_, address=0)


def _operand(session: Session, tree: Tree) -> Value:
    """Something to calculate with: 1, which divides, where there may be no value."""
    obj = _object(session, tree)
    if obj.type_.unaliased_kind() in _SCALARS:
        obj = Object(obj.prog_, obj.type_, 1)
    return Value(obj)


def _unary(session: Session, tree: Tree) -> Object:
    sign, obj = tree[1], _object(session, tree[2])
    kind = obj.type_.unaliased_kind()
    if sign == "&" and kind is not TypeKind.FUNCTION and obj.bit_field_size_ is None:
        if obj.address_ is not None:
            return Object(obj.prog_, obj.prog_.pointer_type(obj.type_), 0)
    elif sign == "*" and kind in (TypeKind.POINTER, TypeKind.ARRAY):
        target = obj.type_.unaliased().type
        if target.unaliased_kind() is TypeKind.VOID:
            return Object(obj.prog_, target)
        return _at(target)
    elif sign not in "&*" and kind in _SCALARS:
        return unary(sign, _operand(session, tree[2]))._obj
    return value_of(session, tree)._obj


def _binary(session: Session, tree: Tree) -> Object:
    if tree[1] in ("==", "!=", "<", ">", "<=", ">="):
        return value_of(session, tree)._obj
    left, right = _operand(session, tree[2]), _operand(session, tree[3])
    return binary(tree[1], left, right)._obj


def _index(session: Session, tree: Tree) -> Object:
    obj = _object(session, tree[1])
    if obj.type_.unaliased_kind() in (TypeKind.POINTER, TypeKind.ARRAY):
        return _at(obj.type_.unaliased().type)
    return value_of(session, tree)._obj


def _member(session: Session, tree: Tree) -> Object:
    obj = _object(session, tree[1])
    plain = obj.type_.unaliased()
    if plain.kind is TypeKind.POINTER and not session.settings["print object"]:
        if plain.type.unaliased_kind() in COMPOUND:
            return member(Value(_at(plain.type)), tree[2])._obj
    elif plain.kind in COMPOUND:
        return member(Value(obj), tree[2])._obj
    return value_of(session, tree)._obj


def _cast(session: Session, tree: Tree) -> Object:
    return _at(tree[1])


def _assign(session: Session, tree: Tree) -> Object:
    # Of a variable that is set by this, the value's type; else that of the place.
    return _object(session, tree[2] if tree[1][0] == "variable" else tree[1])


def _after(session: Session, tree: Tree) -> Object:
    return _object(session, tree[2])


def _call(session: Session, tree: Tree) -> Object:
    if tree[1][0] != "variable":
        type_ = _object(session, tree[1]).type_.unaliased()
        if type_.kind is TypeKind.POINTER:
            type_ = type_.type.unaliased()
        if type_.kind is TypeKind.FUNCTION:
            return Object(session.prog, type_.type)
    return value_of(session, tree)._obj


_KINDS: dict[str, Callable[[Session, Tree], Object]] = {
    "unary": _unary,
    "binary": _binary,
    "index": _index,
    "member": _member,
    "cast": _cast,
    "at": _cast,
    "assign": _assign,
    "after": _after,
    "call": _call,
}
