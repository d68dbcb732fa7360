"""``gdb.Value`` over the program's objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, localcontext
from typing import Any, Literal

import drgn
from drgn import Object, TypeKind

from .errors import MemoryError, error
from .types import Field, Type, size_of

_SCALAR = TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM, TypeKind.POINTER
NO_STRUCTURE = "Attempt to extract a component of a value that is not a structure."
_MAX_STRING = 1 << 20


@contextmanager
def reading() -> Iterator[None]:
    """Turn what reading an object may raise into GDB's errors."""
    try:
        yield
    except drgn.FaultError as reason:
        raise MemoryError(
            f"Cannot access memory at address {reason.address:#x}"
        ) from None
    except drgn.ObjectAbsentError:
        raise error("value has been optimized out") from None
    except (drgn.OutOfBoundsError, drgn.BadDataError, NotImplementedError) as reason:
        raise error(str(reason)) from None


class Value:
    """A value of the program's, or one made by an expression."""

    __slots__ = ("_obj",)
    _obj: Object

    def __init__(self, value: Any, type: Type | None = None) -> None:
        if isinstance(value, Value):
            self._obj = value._obj
        elif isinstance(value, Object):
            self._obj = value
        elif type is not None:
            data = bytes(value)
            if len(data) < size_of(type._type):
                raise ValueError("Size of type is larger than that of buffer object.")
            prog = type._type.prog
            self._obj = Object.from_bytes_(prog, type._type, data)
        else:
            self._obj = _object_of(value)

    # What it is.

    @property
    def type(self) -> Type:
        """Its type."""
        return Type(self._obj.type_)

    @property
    def dynamic_type(self) -> Type:
        """The type that an object of a C++ class was made as; else `type`."""
        from .dynamic import dynamic_type

        return Type(dynamic_type(self._obj))

    @property
    def address(self) -> Value | None:
        """A pointer to it; None of what is not in memory."""
        obj = self._obj
        if obj.type_.kind is TypeKind.FUNCTION or obj.address_ is not None:
            try:
                return Value(obj.address_of_())
            except (ValueError, drgn.ObjectAbsentError):
                return None
        return None

    @property
    def is_optimized_out(self) -> bool:
        """Whether it is not known."""
        return self._obj.absent_ and self._obj.type_.kind is not TypeKind.VOID

    @property
    def is_lazy(self) -> bool:
        """Whether it is read when it is needed."""
        return self._obj.address_ is not None

    def fetch_lazy(self) -> None:
        """Read it now, so that what cannot be read raises ``gdb.MemoryError``."""
        if self._obj.type_.kind not in (TypeKind.FUNCTION, TypeKind.VOID):
            with reading():
                self._obj.read_()

    # Other values made of it.

    def cast(self, type: Type) -> Value:
        """As a C cast."""
        from .operations import cast

        return cast(self, type._type)

    def reinterpret_cast(self, type: Type) -> Value:
        """As ``reinterpret_cast`` of C++."""
        return self.cast(type)

    def dynamic_cast(self, type: Type) -> Value:
        """As ``dynamic_cast`` of C++, without its checks."""
        return self.cast(type)

    def dereference(self) -> Value:
        """What it points to."""
        obj = decayed(self._obj)
        kind = obj.type_.unaliased_kind()
        if kind is TypeKind.POINTER:
            target = obj.type_.unaliased().type
            if target.unaliased_kind() is TypeKind.VOID:
                raise error("Attempt to take contents of a non-pointer value.")
            return Value(Object(obj.prog_, target, address=number(obj)))
        if kind is TypeKind.INT:
            # GDB takes an integer for a pointer to long.
            long = obj.prog_.type("long")
            return Value(Object(obj.prog_, long, address=number(obj) & ADDRESSES))
        raise error("Attempt to take contents of a non-pointer value.")

    def referenced_value(self) -> Value:
        """What it points to or refers to."""
        if self._obj.type_.unaliased_kind() is not TypeKind.POINTER:
            raise error(
                "Trying to get the referenced value from a value which is neither "
                "a pointer nor a reference."
            )
        return self.dereference()

    def reference_value(self) -> Value:
        """A reference to it."""
        found = self.address
        if found is None:
            raise error("Attempt to take address of value not located in memory.")
        return found

    rvalue_reference_value = reference_value

    def const_value(self) -> Value:
        """The same with ``const``."""
        return self.cast(self.type.const())

    # Parts.

    def __getitem__(self, key: Any) -> Value:
        if isinstance(key, Field):
            return self._field(key)
        if isinstance(key, str):
            return member(self, key)
        obj = self._obj
        kind = obj.type_.unaliased_kind()
        if kind not in (TypeKind.ARRAY, TypeKind.POINTER):
            raise error("Cannot subscript requested type.")
        if obj.type_.unaliased().type.unaliased_kind() is TypeKind.VOID:
            raise error("Attempt to dereference a generic pointer.")
        return Value(obj[int(key)])

    def _field(self, field: Field) -> Value:
        if field.name and not field.is_base_class:
            return member(self, field.name)
        place = getattr(field, "bitpos", None)
        address = self._obj.address_
        if self._obj.type_.unaliased_kind() is TypeKind.POINTER:
            return self.dereference()._field(field)
        if place is None or field.type is None:
            raise TypeError("Field has no place in a value.")
        type_ = field.type._type
        if address is not None:
            return Value(Object(self._obj.prog_, type_, address=address + place // 8))
        with reading():
            data = self._obj.to_bytes_()
        return Value(Object.from_bytes_(self._obj.prog_, type_, data[place // 8 :]))

    def __len__(self) -> int:
        raise NotImplementedError("Invalid operation on gdb.Value.")

    # As Python's.

    def __bool__(self) -> bool:
        obj = decayed(self._obj)
        with reading():
            try:
                return bool(obj)
            except TypeError:
                return True

    def __int__(self) -> int:
        return number(self._obj)

    def __index__(self) -> int:
        return number(self._obj)

    def __float__(self) -> float:
        if is_long_double(self._obj):
            return float(long_double(self._obj))
        with reading():
            found = self._obj.value_()
        if not isinstance(found, (int, float)):
            raise error("Invalid floating value found in program.")
        return float(found)

    def __hash__(self) -> int:
        return id(self)

    def string(
        self, encoding: str = "", errors: str = "strict", length: int = -1
    ) -> str:
        """The characters of an array or at a pointer, up to a zero or ``length``."""
        return characters(self, length).decode(encoding or "utf-8", errors)

    def lazy_string(self, encoding: str = "", length: int = -1) -> LazyString:
        """A string that is read when it is printed."""
        return LazyString(self, encoding, length)

    def format_string(self, **options: Any) -> str:
        """The text that `str()` gives, with other settings."""
        from .describe import format_string

        return format_string(self, options)

    def __str__(self) -> str:
        from .describe import describe

        return describe(self)

    def __repr__(self) -> str:
        return f"<gdb.Value object at {id(self):#x}>"

    # Operators.

    def _binary(self, operator: str, other: Any, swapped: bool = False) -> Value:
        from .operations import binary

        try:
            theirs = other if isinstance(other, Value) else Value(other)
        except TypeError:
            return NotImplemented  # type: ignore[no-any-return]
        if swapped:
            return binary(operator, theirs, self)
        return binary(operator, self, theirs)

    def __add__(self, other: Any) -> Value:
        return self._binary("+", other)

    def __radd__(self, other: Any) -> Value:
        return self._binary("+", other, True)

    def __sub__(self, other: Any) -> Value:
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> Value:
        return self._binary("-", other, True)

    def __mul__(self, other: Any) -> Value:
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> Value:
        return self._binary("*", other, True)

    def __truediv__(self, other: Any) -> Value:
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._binary("/", other, True)

    def __mod__(self, other: Any) -> Value:
        return self._binary("%", other)

    def __rmod__(self, other: Any) -> Value:
        return self._binary("%", other, True)

    def __pow__(self, other: Any) -> Value:
        return self._binary("**", other)

    def __rpow__(self, other: Any) -> Value:
        return self._binary("**", other, True)

    def __lshift__(self, other: Any) -> Value:
        return self._binary("<<", other)

    def __rlshift__(self, other: Any) -> Value:
        return self._binary("<<", other, True)

    def __rshift__(self, other: Any) -> Value:
        return self._binary(">>", other)

    def __rrshift__(self, other: Any) -> Value:
        return self._binary(">>", other, True)

    def __and__(self, other: Any) -> Value:
        return self._binary("&", other)

    def __rand__(self, other: Any) -> Value:
        return self._binary("&", other, True)

    def __or__(self, other: Any) -> Value:
        return self._binary("|", other)

    def __ror__(self, other: Any) -> Value:
        return self._binary("|", other, True)

    def __xor__(self, other: Any) -> Value:
        return self._binary("^", other)

    def __rxor__(self, other: Any) -> Value:
        return self._binary("^", other, True)

    def __neg__(self) -> Value:
        from .operations import unary

        return unary("-", self)

    def __pos__(self) -> Value:
        from .operations import unary

        return unary("+", self)

    def __invert__(self) -> Value:
        from .operations import unary

        return unary("~", self)

    def __abs__(self) -> Value:
        return -self if self < 0 else self

    def _compare(self, operator: str, other: Any) -> bool:
        from .operations import compare

        try:
            theirs = other if isinstance(other, Value) else Value(other)
        except TypeError:
            return NotImplemented  # type: ignore[no-any-return]
        return compare(operator, self, theirs)

    def __eq__(self, other: object) -> bool:
        return False if other is None else self._compare("==", other)

    def __ne__(self, other: object) -> bool:
        return True if other is None else self._compare("!=", other)

    def __lt__(self, other: Any) -> bool:
        return self._compare("<", other)

    def __le__(self, other: Any) -> bool:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> bool:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> bool:
        return self._compare(">=", other)


class LazyString:
    """A place with characters, as ``gdb.Value.lazy_string()`` gives it."""

    def __init__(self, value: Value, encoding: str, length: int) -> None:
        if length < -1:
            raise ValueError("Invalid length.")
        self._value = value
        self.encoding = encoding or None
        self.length = length

    @property
    def address(self) -> int:
        """Where the characters are."""
        return number(decayed(self._value._obj))

    @property
    def type(self) -> Type:
        """The type of the array or pointer."""
        return self._value.type

    def value(self) -> Value:
        """The value that it was made of."""
        return self._value


ADDRESSES = (1 << 64) - 1
"""The bits of an address."""


def _object_of(value: Any) -> Object:
    from .session import current

    session = current()
    prog = session.prog
    if isinstance(value, bool):
        name = "bool" if session.is_cplus() else "long"
        return Object(prog, session.c_type(name), value)
    if isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            return Object(prog, session.c_type("long long"), value)
        if value < 1 << 64 and value > 0:
            return Object(prog, session.c_type("unsigned long long"), value)
        raise OverflowError("int too big to convert")
    if isinstance(value, float):
        return Object(prog, session.c_type("double"), value)
    if isinstance(value, str):
        return text_object(value.encode(), b"")
    if isinstance(value, LazyString):
        return value.value()._obj
    raise TypeError("Could not convert Python object: " + repr(value) + ".")


def text_object(data: bytes, end: bytes = b"\0") -> Object:
    """An array of char, with a zero at its end unless that is told otherwise."""
    from .session import current

    session = current()
    data += end
    array = session.prog.array_type(session.c_type("char"), len(data))
    return Object.from_bytes_(session.prog, array, data)


def byteorder(prog: drgn.Program) -> Literal["little", "big"]:
    """The order of octets in a program's numbers; little if its platform is unknown."""
    return "little" if prog.platform is None else prog.platform.byteorder


def decayed(obj: Object) -> Object:
    """An array or function in memory as a pointer, as C has it in expressions."""
    kind = obj.type_.unaliased_kind()
    if kind is TypeKind.ARRAY and obj.address_ is not None:
        element = obj.prog_.pointer_type(obj.type_.unaliased().type)
        return Object(obj.prog_, element, obj.address_)
    if kind is TypeKind.FUNCTION:
        with reading():
            return obj.address_of_()
    return obj


def number(obj: Object) -> int:
    """An integer, a pointer's address, or a floating value without its fraction."""
    kind = obj.type_.unaliased_kind()
    if kind not in _SCALAR:
        obj = decayed(obj)
        kind = obj.type_.unaliased_kind()
        if kind not in (*_SCALAR, TypeKind.FLOAT):
            raise error("Cannot convert value to long.")
    with reading():
        try:
            return int(obj.value_())
        except TypeError:
            raise error("Cannot convert value to long.") from None


def is_long_double(obj: Object) -> bool:
    """Whether it is a floating value of 80 bits, of which C has 16 bytes."""
    plain = obj.type_.unaliased()
    return plain.kind is TypeKind.FLOAT and plain.size in (10, 12, 16)


def long_double(obj: Object) -> Decimal:
    """A floating value of 80 bits."""
    with reading():
        data = obj.to_bytes_()
    bits = int.from_bytes(data[8:10], "little")
    exponent, fraction = bits & 0x7FFF, int.from_bytes(data[:8], "little")
    sign = -1 if bits >> 15 else 1
    if exponent == 0x7FFF:
        return (
            Decimal("NaN") if fraction << 1 & ADDRESSES else Decimal("Infinity") * sign
        )
    with localcontext() as context:
        context.prec = 60
        return Decimal(sign * fraction) * Decimal(2) ** (exponent - 16383 - 63)


def member(value: Value, name: str) -> Value:
    """A member by its name, also of what a pointer points to or of a base class.

    Of an array it is its first element's. Raises ``gdb.error``.
    """
    obj = value._obj
    if obj.type_.unaliased_kind() is TypeKind.ARRAY:
        obj = decayed(obj)
    try:
        return Value(obj.member_(name))
    except LookupError:
        pass
    except TypeError:
        raise error(NO_STRUCTURE) from None
    except drgn.FaultError as reason:
        raise MemoryError(
            f"Cannot access memory at address {reason.address:#x}"
        ) from None
    from .session import current

    plain = obj.type_.unaliased()
    if plain.kind is TypeKind.POINTER:
        plain = plain.type
    static = current().lookups.static_member(plain, name)
    if static is not None:
        return Value(static)
    raise error(f"There is no member named {name}.")


def characters(value: Value, length: int = -1) -> bytes:
    """The bytes of a string: of an array, or at a pointer."""
    obj = value._obj
    plain = obj.type_.unaliased()
    if plain.kind not in (TypeKind.ARRAY, TypeKind.POINTER):
        raise error(f"Trying to read string with inappropriate type `{value.type}'.")
    width = size_of(plain.type)
    if plain.kind is TypeKind.ARRAY:
        with reading():
            data = obj.to_bytes_()
        if length >= 0:
            return data[: length * width]
    else:
        address = number(obj)
        with reading():
            if length >= 0:
                return obj.prog_.read(address, length * width)
            if width == 1:
                return obj.prog_.read_c_string(address, max_size=_MAX_STRING)
            return _wide(obj.prog_, address, width)
    if width == 1:
        return data.partition(b"\0")[0]
    zero = bytes(width)
    for at in range(0, len(data), width):
        if data[at : at + width] == zero:
            return data[:at]
    return data


def _wide(prog: drgn.Program, address: int, width: int) -> bytes:
    found = b""
    while len(found) < _MAX_STRING:
        one = prog.read(address + len(found), width)
        if not any(one):
            break
        found += one
    return found
