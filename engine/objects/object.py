"""Objects: typed values, references to memory, and absent values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex, overload

from ..arguments import text_argument, type_label
from ..closed import ApiClass
from ..errors import ObjectAbsentError, UnsupportedOperation
from ..flags import AbsenceReason
from ..memory.memory import PAGE_SHIFT, Epoch
from ..types import parts
from ..types.kinds import TypeKind
from ..types.type import Type
from . import bare
from .access import (
    ElementIterator,
    array_length,
    attribute,
    element,
    elements,
    make_member_property,
    member,
    member_names,
    subobject,
    subscript,
)
from .bare import make_value
from .codec import codec_of, decode
from .construct import UNSET, construct, from_bytes
from .numbers import Numbers
from .operators import Operators
from .read import (
    check_present,
    read_bytes,
    read_reference,
    read_string,
    value_from_buffer,
)

if TYPE_CHECKING:
    from ..language.c_format_options import FormatOptions
    from ..program import Program
    from .construct import State

_OTHER = AbsenceReason.OTHER
_ARRAY, _BOOL = TypeKind.ARRAY, TypeKind.BOOL
_FUNCTION, _POINTER = TypeKind.FUNCTION, TypeKind.POINTER
# How many names of members become properties of Object: Python stops caching the
# attributes of a class that has changed too often.
_MAX_MEMBER_PROPERTIES = 800


class ObjectMeta(ApiClass):
    """Has the engine's own constructors of Objects.

    They live here and not on Object because an attribute of Object hides the member
    of that name of every structure in the program.
    """

    def __call__(
        cls,
        prog: Program,
        type: str | Type | None = None,
        value: Any = None,
        *,
        address: SupportsIndex | None = None,
        absence_reason: AbsenceReason = UNSET,
        bit_offset: SupportsIndex | None = None,
        bit_field_size: SupportsIndex | None = None,
    ) -> Object:
        # This is no __init__, which `bare.new` would call, too.
        obj = bare.new()
        if (
            value.__class__ is int
            and type.__class__ is Type
            and address is bit_offset is bit_field_size is None
            and absence_reason is UNSET
            and type._prog is prog
        ):
            # The most frequent form, with which helpers make their results.
            codec = type._codec or codec_of(type)
            if codec.plain:
                obj._state_ = (type, None, codec.fit(value, None), None)
                return obj
        obj._state_ = construct(
            prog, type, value, address, absence_reason, bit_offset, bit_field_size
        )
        return obj

    def _ref(
        cls,
        type: Type,
        address: int,
        bit_offset: int = 0,
        bit_field_size: int | None = None,
    ) -> Object:
        """A reference."""
        obj = bare.new()
        bits = None
        if bit_offset or bit_field_size is not None:
            address += bit_offset >> 3
            bit_offset &= 7
            if bit_offset or bit_field_size is not None:
                bits = (bit_offset, bit_field_size)
        obj._state_ = (type, address, None, bits)
        return obj

    def _val(cls, type: Type, value: Any, bit_field_size: int | None = None) -> Object:
        """A value that fits the type: a number, or bytes for what is no scalar."""
        bits = None if bit_field_size is None else (0, bit_field_size)
        return make_value(type, value, bits)

    def _from_buffer(
        cls,
        type: Type,
        buffer: bytes,
        bit_offset: int = 0,
        bit_field_size: int | None = None,
    ) -> Object:
        """A value by its binary representation; OutOfBoundsError if it ends early.

        It is absent if the type has no values.
        """
        codec = codec_of(type)
        if codec.size is None:
            return cls._absent(type)
        value = value_from_buffer(codec, buffer, bit_offset, bit_field_size)
        return cls._val(type, value, bit_field_size)

    def _absent(
        cls,
        type: Type,
        reason: AbsenceReason | None = None,
        bit_field_size: int | None = None,
    ) -> Object:
        """An absent object."""
        return cls._val(type, reason or _OTHER, bit_field_size)

    def __dir__(cls) -> list[str]:
        return list(_API_NAMES)


# What Python says of wrong arguments names what was called.
ObjectMeta.__call__.__qualname__ = "Object"


class Object(Operators, Numbers, metaclass=ObjectMeta):
    """A typed value, a reference to one in memory, or an absent value.

    ``Object(prog, type, value)`` makes a value, ``Object(prog, value=value)`` a
    literal, ``Object(prog, type, address=address)`` a reference and ``Object(prog,
    type)`` an absent object.

    Members of structures, unions and classes, and of what a pointer points to, are
    attributes. The class's own attributes end with an underscore and come first;
    `member_` finds a member that one of them hides.
    """

    # Names with two underscores do not hide members. All is in one attribute, since
    # none is found quickly in a class that has a __getattr__: what must be fast unpacks
    # it, the rest has the properties below.
    __slots__ = ("_state_",)

    _state_: State

    @property
    def _prog_(self) -> Program:
        return self._state_[0]._prog

    @property
    def _type_(self) -> Type:
        return self._state_[0]

    @property
    def _address_(self) -> int | None:
        """None unless this is a reference.

        The state may have it beyond the end of the address space: few need to know.
        """
        type, address, _, _ = self._state_
        return None if address is None else address & type._prog._memory.virtual.mask

    @property
    def _value_(self) -> Any:
        """The number of a scalar value, the bytes of another value.

        The AbsenceReason of an absent object, None for a reference.
        """
        _, address, value, _ = self._state_
        return value if address is None else None

    @property
    def _bits_(self) -> tuple[int, int | None] | None:
        """(bit offset, bit field size) of a bit field or what is not at a byte."""
        bits = self._state_[3]
        return None if bits.__class__ is Epoch else bits  # type: ignore[return-value]

    if TYPE_CHECKING:
        # `ObjectMeta.__call__`, for those who read types only here.
        def __init__(
            self,
            prog: Program,
            type: str | Type | None = None,
            value: Any = None,
            *,
            address: SupportsIndex | None = None,
            absence_reason: AbsenceReason = UNSET,
            bit_offset: SupportsIndex | None = None,
            bit_field_size: SupportsIndex | None = None,
        ) -> None: ...

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("type '_drgn.Object' is not an acceptable base type")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("cannot pickle '_drgn.Object' object")

    @classmethod
    def from_bytes_(
        cls,
        prog: Program,
        type: str | Type,
        bytes: bytes | bytearray | memoryview,
        *,
        bit_offset: SupportsIndex = 0,
        bit_field_size: SupportsIndex | None = None,
    ) -> Object:
        """A value by its binary representation, ``bit_offset`` bits into a buffer.

        Raises ValueError if the buffer is too small.
        """
        return from_bytes(cls, prog, type, bytes, bit_offset, bit_field_size)

    # What kind of object this is.

    @property
    def prog_(self) -> Program:
        """The program that this object is from."""
        return self._state_[0]._prog

    @property
    def type_(self) -> Type:
        """The type of this object."""
        return self._state_[0]

    @property
    def address_(self) -> int | None:
        """The address of a reference, None for other objects."""
        return self._address_

    @property
    def absent_(self) -> bool:
        """Whether there is no value."""
        return self._value_.__class__ is AbsenceReason

    @property
    def absence_reason_(self) -> AbsenceReason | None:
        """Why there is no value, None if there is one."""
        value = self._value_
        return value if value.__class__ is AbsenceReason else None

    @property
    def bit_offset_(self) -> int | None:
        """Offset in bits of a reference from its address, None for other objects."""
        if self._address_ is None:
            return None
        return 0 if self._bits_ is None else self._bits_[0]

    @property
    def bit_field_size_(self) -> int | None:
        """Size in bits of a bit field, None for other objects."""
        return None if self._bits_ is None else self._bits_[1]

    # The value.

    def value_(self) -> Any:
        """The value in Python: int, float, bool, dict of members, list of elements.

        Enums and pointers give an int. Raises FaultError if memory cannot be read,
        TypeError if the type has no values and ObjectAbsentError.
        """
        type, address, value, bits = self._state_
        codec = type._codec
        if codec is None:
            codec = codec_of(type)
        if address is not None:
            memory = codec.memory
            if bits is None:
                base, size, buffer = memory.window
                offset = address - base
                if 0 <= offset < size:
                    return codec.decode(buffer, offset)[0]
                window = memory.pages.get(address >> PAGE_SHIFT)
                if window is not None:
                    base, size, buffer = window
                    offset = address - base
                    if offset < size:
                        memory.window = window
                        return codec.decode(buffer, offset)[0]
            elif bits is memory.epoch:
                return value
            return read_reference(self, codec)
        if value.__class__ is AbsenceReason:
            if codec.size is None:
                raise codec.no_values("read object with")
            if not codec.scalar and not codec.has_parts():
                return [] if codec.kind is _ARRAY else {}
            raise ObjectAbsentError("object absent")
        if not codec.scalar:
            return decode(codec, value, 0, None)
        return bool(value) if codec.kind is _BOOL else value

    def _rvalue_(self) -> Any:
        """The number that this is in an expression: arrays are addresses."""
        type = self._state_[0]
        codec = type._codec or codec_of(type)
        if codec.kind is _BOOL:
            # As compiled code has it, which takes the byte for 0 or 1 unseen.
            return int(self.read_()._state_[2])
        if codec.scalar:
            return self.value_()
        if codec.kind is not _ARRAY and codec.kind is not _FUNCTION:
            raise codec.no_values("read object with")
        if self._address_ is None:
            check_present(self)
            raise ValueError("cannot get address of value")
        return self._address_

    def read_(self) -> Object:
        """This object as a value, read now."""
        type, address, value, bits = self._state_
        if address is None:
            check_present(self)
            return self
        codec = type._codec or codec_of(type)
        size = None if bits is None else self.bit_field_size_
        if codec.kind is _BOOL:
            value = codec.keep(read_bytes(self), 0, size)
        else:
            value = self.value_() if codec.scalar else read_bytes(self)
        return make_value(type, value, None if size is None else (0, size))

    def to_bytes_(self) -> bytes:
        """The binary representation of the value."""
        return read_bytes(self)

    def string_(self) -> bytes:
        """The bytes up to the first null byte, of what a pointer points to or an array.

        A complete array ends it, too. Raises TypeError for other types.
        """
        return read_string(self)

    def write_(self, value: Any) -> None:
        """Change the value in memory of this reference.

        ``value`` is what `Object` makes a value of this type of: a number, a dictionary
        of members (those that are left out become zero), a sequence of elements; or an
        Object that may be assigned to one of this type. Raises UnsupportedOperation if
        the program is read-only, FaultError, ValueError if this is no reference,
        ObjectAbsentError and TypeError.
        """
        from .write import write

        write(self, value)

    def to_numpy(self) -> Any:
        """The value as a numpy array or scalar, see `Type.dtype`."""
        return self._prog_._to_numpy(self)

    def to_gdb_value(self) -> Any:
        """This object as a ``gdb.Value``, where the program is GDB's inferior.

        A reference stays one. Raises UnsupportedOperation elsewhere, LookupError if GDB
        does not know the type, ObjectAbsentError.
        """
        target = self._prog_._target
        if target is None:
            raise UnsupportedOperation("program is not debugged by GDB")
        return target.debugger_value(self)

    # Parts.

    def __getattr__(self, name: str) -> Any:
        # CPython finds a property much faster than it fails to find an attribute
        # and comes here, so the name becomes a property of the class.
        value = attribute(self, name)
        _add_member_property(name)
        return value

    def member_(self, name: str) -> Object:
        """The member ``name`` of this, or of what this points to.

        Raises TypeError if that is no structure, union or class and LookupError if
        it has no such member.
        """
        if not isinstance(name, str):
            raise TypeError(f"member_() argument 1 must be str, not {type_label(name)}")
        return member(self, text_argument(name))

    def subobject_(self, designator: str) -> Object:
        """A member or element such as ``a.b[1]``; pointers are not followed.

        Raises SyntaxError if the designator cannot be parsed.
        """
        if not isinstance(designator, str):
            raise TypeError(
                f"subobject_() argument 1 must be str, not {type_label(designator)}"
            )
        return subobject(self, designator)

    def address_of_(self) -> Object:
        """A pointer to this reference; ValueError for values and bit fields."""
        address = self._address_
        if address is None:
            check_present(self)
            raise ValueError("cannot take address of value")
        type, _, _, bits = self._state_
        if bits is not None and self._bits_ is not None:
            raise ValueError("cannot take address of bit field")
        codec = type._codec or codec_of(type)
        return make_value(codec.pointer or codec.pointer_to(), address)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Object: ...
    @overload
    def __getitem__(self, index: slice) -> Object: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Object:
        """An element of an array or behind a pointer; a slice gives an array.

        Negative indices count from the start, as in C.
        """
        if index.__class__ is int:
            return element(self, index)
        if isinstance(index, slice):
            return elements(self, index)
        return element(self, subscript(index))

    def __len__(self) -> int:
        return array_length(self, "'{}' has no len()")

    def __iter__(self) -> Iterator[Object]:
        return ElementIterator(self, 0, array_length(self, "'{}' is not iterable"), 1)

    def __reversed__(self) -> Iterator[Object]:
        length = array_length(self, "'{}' is not iterable")
        return ElementIterator(self, length - 1, length, -1)

    def __dir__(self) -> list[str]:
        return sorted({*_API_NAMES, *member_names(self._type_)})

    # Text.

    def __repr__(self) -> str:
        codec = codec_of(self._type_)
        text = f"Object(prog, {self._type_.type_name()!r}"
        if self._address_ is not None:
            text += f", address={self._address_:#x}"
            if self.bit_offset_:
                text += f", bit_offset={self.bit_offset_}"
        elif not self.absent_:
            value = self.value_()
            text += f", value={hex(value) if codec.kind is _POINTER else repr(value)}"
        elif self._value_ is not _OTHER:
            text += f", absence_reason={self._value_}"
        if self.bit_field_size_ is not None:
            text += f", bit_field_size={self.bit_field_size_}"
        return text + ")"

    def __str__(self) -> str:
        format_object, _ = _formatting()
        return format_object(self)

    def format_(
        self,
        *,
        columns: SupportsIndex | None = None,
        integer_base: SupportsIndex | None = None,
        dereference: bool | None = None,
        symbolize: bool | None = None,
        string: bool | None = None,
        char: bool | None = None,
        type_name: bool | None = None,
        member_type_names: bool | None = None,
        element_type_names: bool | None = None,
        members_same_line: bool | None = None,
        elements_same_line: bool | None = None,
        member_names: bool | None = None,
        element_indices: bool | None = None,
        implicit_members: bool | None = None,
        implicit_elements: bool | None = None,
    ) -> str:
        """This object in the syntax of its language.

        An option that is left out or None has its default.

        :param columns: how wide a line may be, where it can be wrapped (no limit)
        :param integer_base: 8, 10 or 16 (10)
        :param dereference: show what a pointer points to (yes)
        :param symbolize: show the symbol at the address of a pointer (yes)
        :param string: show arrays of and pointers to characters as strings (yes)
        :param char: show characters as such and not as integers (no)
        :param type_name: show the type (yes)
        :param member_type_names: show the types of members (yes)
        :param element_type_names: show the types of elements (no)
        :param members_same_line: put members that fit in one line there (no)
        :param elements_same_line: put elements that fit in one line there (yes)
        :param member_names: show the names of members (yes)
        :param element_indices: show the indices of elements (no)
        :param implicit_members: show members that are zero (yes)
        :param implicit_elements: show elements that are zero (no)
        """
        format_object, options_class = _formatting()
        options = options_class(
            columns,
            integer_base,
            dereference=dereference,
            symbolize=symbolize,
            string=string,
            char=char,
            type_name=type_name,
            member_type_names=member_type_names,
            element_type_names=element_type_names,
            members_same_line=members_same_line,
            elements_same_line=elements_same_line,
            member_names=member_names,
            element_indices=element_indices,
            implicit_members=implicit_members,
            implicit_elements=implicit_elements,
        )
        return format_object(self, options)

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        p.text("..." if cycle else str(self))


@cache
def _formatting() -> tuple[Callable[..., str], type[FormatOptions]]:
    """What formats objects, imported when the first one is."""
    from ..language.c_format import format_object
    from ..language.c_format_options import FormatOptions

    return format_object, FormatOptions


def _add_member_property(name: str) -> None:
    # An attribute of the metaclass would be hidden by a property.
    special = name.startswith("__") and name.endswith("__")
    if (
        len(_member_properties) < _MAX_MEMBER_PROPERTIES
        and not special
        and not hasattr(Object, name)
    ):
        _member_properties.add(name)
        setattr(Object, name, make_member_property(name))


_member_properties: set[str] = set()
_HIDDEN = {
    *Object.__slots__,
    "_address_",
    "_bits_",
    "_prog_",
    "_type_",
    "_value_",
    "__annotations__",
    "__getattr__",
    "__module__",
    "__slots__",
    "_rvalue_",
    # What Python 3.13 gives to classes.
    "__firstlineno__",
    "__static_attributes__",
}
# Without the members that become properties later, which not every object has.
_API_NAMES = [name for name in type.__dir__(Object) if name not in _HIDDEN]
bare.use_object_class(Object)
parts.use_object_class(Object)
