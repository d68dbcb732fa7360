"""GDB's values as Objects, and Objects as GDB's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gdb

from drgn import (
    AbsenceReason,
    FaultError,
    Language,
    Object,
    ObjectAbsentError,
    Program,
    Qualifiers,
    Type,
    TypeEnumerator,
    TypeKind,
    TypeMember,
    TypeParameter,
    sizeof,
)
from drgn.hosts.gdb_calls import gdb_type_name
from drgn.target import qualified_name

_KEYWORDS = {
    TypeKind.STRUCT: "struct ",
    TypeKind.UNION: "union ",
    TypeKind.CLASS: "class ",
    TypeKind.ENUM: "enum ",
}
_REFERENCES = (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)
_INTEGERS = (TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM, TypeKind.POINTER)
_VARIABLE = "_drgn_value"
_STRUCTURES = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
# Of those some are bit fields.
_INTEGER_CODES = (
    gdb.TYPE_CODE_INT,
    gdb.TYPE_CODE_CHAR,
    gdb.TYPE_CODE_BOOL,
    gdb.TYPE_CODE_ENUM,
    gdb.TYPE_CODE_FLAGS,
)


# To GDB.


def to_gdb_value(value: Any) -> gdb.Value:
    """An Object, number or string as GDB's.

    A reference stays one: GDB reads its value when it needs it. Where GDB cannot read
    (virtual memory of a kernel's dump that has physical addresses alone), but drgn can,
    it is the value that drgn reads. If GDB cannot look up its type, as one without a
    name, the variable in its place is taken.

    Raises ObjectAbsentError if the object has no value, LookupError if GDB does not
    know its type, ValueError for what GDB has no values of.
    """
    if isinstance(value, gdb.Value):
        return value
    if isinstance(value, Object):
        return _of_object(value)
    if value in (b"", ""):
        # Of a string without an octet GDB would make a null pointer.
        return gdb.Value(b"\0", gdb.lookup_type("char").array(0))
    if isinstance(value, bytes):
        return gdb.Value(value, gdb.lookup_type("char").array(len(value) - 1))
    if isinstance(value, (bool, int, float, str)):
        try:
            return gdb.Value(value)
        except OverflowError:
            raise ValueError(f"{value:#x} is too large for a value of GDB") from None
    raise ValueError(f"GDB has no values of type {type(value).__name__}")


def _of_object(obj: Object) -> gdb.Value:
    address = obj.address_
    if obj.type_.unaliased().kind is TypeKind.FUNCTION:
        if address is None:
            raise ObjectAbsentError("function has no address")
        return _function_at(address)
    try:
        gdb_type = to_gdb_type(obj.type_)
    except LookupError:
        from .unnamed import value_in_place

        found = value_in_place(obj)
        if found is None:
            raise
        return found
    if gdb_type.code == gdb.TYPE_CODE_VOID:
        return gdb.parse_and_eval("(void) 0")
    if address is not None and obj.bit_field_size_ is None:
        if not _reads(address):
            try:
                return gdb.Value(obj.to_bytes_(), gdb_type)
            except FaultError:
                pass  # GDB says so when it needs the value.
        return gdb.Value(address).cast(gdb_type.pointer()).dereference()
    if obj.bit_field_size_ is not None:
        return gdb.Value(obj.value_()).cast(gdb_type)
    return gdb.Value(obj.to_bytes_(), gdb_type)


def _reads(address: int) -> bool:
    """Whether GDB can read at an address itself."""
    try:
        gdb.selected_inferior().read_memory(address, 1)
    except gdb.error:
        return False
    return True


def _function_at(address: int) -> gdb.Value:
    """The function that begins at an address; LookupError if GDB knows none."""
    block = gdb.block_for_pc(address)
    function = None
    while block is not None:
        # The outermost: others are inlined into it.
        function = block.function or function
        block = block.superblock
    value = None if function is None else function.value()
    if value is None or int(value.address) != address:
        raise LookupError(f"GDB knows no function at {address:#x}")
    return value


def to_gdb_function(function: Object) -> gdb.Value:
    """A function that GDB can call, whether it has a symbol for it or not."""
    try:
        return _of_object(function)
    except LookupError:
        pointer = _pointer(function.type_.unaliased())
        return gdb.Value(function.address_).cast(pointer).dereference()


def to_gdb_arguments(
    function: gdb.Value, arguments: Sequence[Object]
) -> list[gdb.Value]:
    """Arguments of a call; what C++ takes by reference is given as a pointer."""
    type = function.type.strip_typedefs()
    if type.code == gdb.TYPE_CODE_PTR:
        type = type.target().strip_typedefs()
    values = [to_gdb_value(argument) for argument in arguments]
    for i, parameter in enumerate(type.fields()[: len(values)]):
        if parameter.type.strip_typedefs().code in _REFERENCES and (
            values[i].type.strip_typedefs().code == gdb.TYPE_CODE_PTR
        ):
            values[i] = values[i].dereference()
    return values


def to_gdb_type(type: Type) -> gdb.Type:
    """GDB's type of the same name; LookupError if it knows none of that size."""
    found = _unqualified(type)
    if type.qualifiers & Qualifiers.CONST:
        found = found.const()
    if type.qualifiers & Qualifiers.VOLATILE:
        found = found.volatile()
    return found


def _unqualified(type: Type) -> gdb.Type:
    kind = type.kind
    if kind is TypeKind.POINTER:
        return _pointer(type.type)
    if kind is TypeKind.ARRAY:
        return to_gdb_type(type.type).array((type.length or 0) - 1)
    if kind is TypeKind.VOID:
        return gdb.lookup_type("void")
    name = type.tag if kind in _KEYWORDS else type.name
    if name is None:
        raise LookupError(f"GDB cannot look up {type.type_name()}")
    if type.language is Language.CPP:
        name = qualified_name(type) or name
    found = None
    # In C++ names have no keywords.
    for text in dict.fromkeys((_KEYWORDS.get(kind, "") + name, name)):
        try:
            found = gdb.lookup_type(text)
            break
        except gdb.error:
            continue
    if found is None:
        raise LookupError(f"GDB knows no type {type.type_name()}")
    if type.is_complete() and sizeof(type) != found.sizeof:
        raise LookupError(f"GDB knows another type {type.type_name()}")
    return found


def _pointer(target: Type) -> gdb.Type:
    """The type of a pointer to a type; to void if that is only declared."""
    if target.kind is TypeKind.FUNCTION:
        name = gdb_type_name(target.prog.pointer_type(target))
        try:
            return gdb.parse_and_eval(f"({name}) 0").type
        except gdb.error:
            raise LookupError(f"GDB knows no type {name}") from None
    if target.kind in _KEYWORDS and not target.is_complete():
        target = target.prog.void_type(qualifiers=target.qualifiers)
    return to_gdb_type(target).pointer()


# From GDB.


def from_gdb_value(value: gdb.Value, prog: Program) -> Object:
    """The Object of a program that one of GDB's values is.

    A value in memory becomes a reference, but for integers, enumerators and booleans,
    of which GDB does not tell whether they are bit fields. Raises LookupError if the
    program does not know its type.
    """
    if value.type.strip_typedefs().code in _REFERENCES:
        value = value.referenced_value()
    type = from_gdb_type(value.type, prog)
    if value.is_optimized_out:
        return Object(prog, type, absence_reason=AbsenceReason.OPTIMIZED_OUT)
    plain = value.type.strip_typedefs()
    if plain.code == gdb.TYPE_CODE_VOID:
        return Object(prog, type)
    if plain.code not in _INTEGER_CODES:
        address = value.address
        if address is not None:
            return Object(prog, type, address=int(address))
    return object_of_type(prog, type, value)


def object_of_type(prog: Program, type: Type, value: gdb.Value) -> Object:
    """A value of GDB's, such as a function returns, as a value of a known type."""
    kind = type.unaliased().kind
    if kind is TypeKind.VOID:
        return Object(prog, type)
    code = value.type.strip_typedefs().code
    if code in _REFERENCES:
        return Object(prog, type, int(value.referenced_value().address))
    if kind is TypeKind.FLOAT and sizeof(type) in (4, 8):
        return Object(prog, type, float(value))
    if kind in _INTEGERS and sizeof(type) <= 8:
        return Object(prog, type, int(value))
    return Object.from_bytes_(prog, type, _bytes_of(value))


def _bytes_of(value: gdb.Value) -> bytes:
    """The binary representation of a value."""
    raw = getattr(value, "bytes", None)
    if isinstance(raw, bytes):  # Since GDB 15.
        return raw
    address = value.address
    if address is not None:
        found = gdb.selected_inferior().read_memory(address, value.type.sizeof)
        return bytes(found)
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        gdb.set_convenience_variable(_VARIABLE, value)
        try:
            gdb.execute(f"dump binary value {file.name} ${_VARIABLE}", to_string=True)
        finally:
            gdb.set_convenience_variable(_VARIABLE, None)
        return file.read()


def from_gdb_type(type: gdb.Type, prog: Program) -> Type:
    """The program's type of the name of GDB's; as GDB describes it if there is none.

    Raises LookupError for what the program's language does not have.
    """
    plain = type.unqualified()
    text = str(type)
    # GDB tells qualifiers in the name alone, and cannot make a type with both.
    if text == str(plain):
        qualifiers = Qualifiers.NONE
    elif text == str(plain.const()):
        qualifiers = Qualifiers.CONST
    elif text == str(plain.volatile()):
        qualifiers = Qualifiers.VOLATILE
    else:
        qualifiers = Qualifiers.CONST | Qualifiers.VOLATILE
    # Those it cannot take away.
    if text.startswith("_Atomic ") and type.code != gdb.TYPE_CODE_PTR:
        qualifiers |= Qualifiers.ATOMIC
    if text.endswith(" restrict"):
        qualifiers |= Qualifiers.RESTRICT
    return _plain(plain, prog, qualifiers)


def _plain(type: gdb.Type, prog: Program, qualifiers: Qualifiers) -> Type:
    """As `from_gdb_type`, of a type without qualifiers, with others."""
    code = type.code
    if code == gdb.TYPE_CODE_PTR or code in _REFERENCES:
        # References as debug information says it: followed without asking.
        return prog.pointer_type(
            from_gdb_type(type.target(), prog), type.sizeof, qualifiers=qualifiers
        )
    if code == gdb.TYPE_CODE_ARRAY:
        low, high = type.range()
        element = from_gdb_type(type.target(), prog)
        # GDB has bounds of "[]", too.
        length = None if high >= low and not type.sizeof else high - low + 1
        return prog.array_type(element, length, qualifiers=qualifiers)
    if code == gdb.TYPE_CODE_VOID:
        return prog.void_type(qualifiers=qualifiers)
    if code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_METHOD):
        parameters = [
            TypeParameter(from_gdb_type(field.type, prog), field.name)
            for field in type.fields()
        ]
        result = from_gdb_type(type.target(), prog)
        return prog.function_type(result, parameters, str(type).endswith("...)"))
    return (
        _named(type, prog, qualifiers)
        or _base_type(type, prog, qualifiers)
        or _described(type, prog, qualifiers)
    )


def _name(type: gdb.Type) -> str | None:
    tag = None if type.code == gdb.TYPE_CODE_TYPEDEF else type.tag
    name: str | None = tag or type.name
    return name


def _named(type: gdb.Type, prog: Program, qualifiers: Qualifiers) -> Type | None:
    """The program's type of a name; None if it has none of that size."""
    name = _name(type)
    if name is None:
        return None
    keywords = {
        gdb.TYPE_CODE_STRUCT: ("struct ", "class "),
        gdb.TYPE_CODE_UNION: ("union ",),
        gdb.TYPE_CODE_ENUM: ("enum ",),
    }.get(type.code, ("",))
    for keyword in keywords:
        try:
            found = prog.type(keyword + name)
        except (LookupError, SyntaxError):
            continue
        if not found.is_complete() or sizeof(found) == type.sizeof:
            return found.qualified(qualifiers) if qualifiers else found
    return None


def _base_type(type: gdb.Type, prog: Program, qualifiers: Qualifiers) -> Type | None:
    """A type of the language itself, which the program need not use."""
    name, size = type.name, type.sizeof
    if name is None:
        return None
    if type.code == gdb.TYPE_CODE_BOOL:
        return prog.bool_type(name, size, qualifiers=qualifiers)
    if type.code == gdb.TYPE_CODE_FLAGS:  # As of registers.
        return prog.int_type(name, size, False, qualifiers=qualifiers)
    if type.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR):
        signed = bool(type.is_signed)
        return prog.int_type(name, size, signed, qualifiers=qualifiers)
    if type.code == gdb.TYPE_CODE_FLT:
        return prog.float_type(name, size, qualifiers=qualifiers)
    return None


def _described(type: gdb.Type, prog: Program, qualifiers: Qualifiers) -> Type:
    """A type that only GDB knows, or that has no name."""
    name = _name(type)
    if type.code == gdb.TYPE_CODE_TYPEDEF and name is not None:
        aliased = from_gdb_type(type.target(), prog)
        return prog.typedef_type(name, aliased, qualifiers=qualifiers)
    if type.code in _STRUCTURES:
        make = prog.union_type if type.code == gdb.TYPE_CODE_UNION else prog.struct_type
        fields = [field for field in type.fields() if hasattr(field, "bitpos")]
        if not fields and not type.sizeof:
            return make(name, qualifiers=qualifiers)  # It is only declared.
        members = [_member(field, prog) for field in fields]
        return make(name, type.sizeof, members, qualifiers=qualifiers)
    if type.code == gdb.TYPE_CODE_ENUM:
        enumerators = [
            TypeEnumerator(field.name, field.enumval) for field in type.fields()
        ]
        signed = any(enumerator.value < 0 for enumerator in enumerators)
        compatible = prog.int_type("<unknown>", type.sizeof, signed)
        return prog.enum_type(name, compatible, enumerators, qualifiers=qualifiers)
    raise LookupError(f"drgn has no type like {type}")


def _member(field: gdb.Field, prog: Program) -> TypeMember:
    name = None if field.is_base_class else field.name or None
    if field.bitsize:
        return TypeMember(
            lambda: Object(
                prog, from_gdb_type(field.type, prog), bit_field_size=field.bitsize
            ),
            name,
            field.bitpos,
        )
    return TypeMember(lambda: from_gdb_type(field.type, prog), name, field.bitpos)
