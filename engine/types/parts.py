"""The parts of types: members, parameters, template parameters, enumerators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from ..arguments import check_argument, class_label, uint64
from ..closed import ApiClass, closed
from .layout import check_bit_field, check_object_type
from .type import Type

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..program import Program

    TypeSource: TypeAlias = Object | Type | Callable[[], Object | Type]

# Objects live on a higher floor: their module sets this when it is loaded.
_object_class: Any = type(None)


def use_object_class(cls: type[Object]) -> None:
    """Tell the parts of types what an Object is."""
    global _object_class
    _object_class = cls


def _check_name(cls: str, name: str | None) -> None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"{cls} name must be str or None")


class _TypedPart:
    """What a member and a parameter share: a name and an Object or a Type.

    ``_source`` is what the user gave. It becomes ``_type`` and, where it is an
    Object or one is asked for, ``_object`` at the first use.
    """

    __slots__ = ("_bit_field_size", "_name", "_object", "_prog", "_source", "_type")

    _bit_field_size: int | None
    _name: str | None
    _object: Object | None
    _prog: Program | None
    _source: Any
    _type: Type | None

    def _init(self, source: Any, name: str | None) -> None:
        cls = type(self).__name__
        _check_name(cls, name)
        self._bit_field_size = None
        self._object = None
        self._prog = None
        self._type = None
        self._source = None
        if isinstance(source, (Type, _object_class)):
            self._set(source)
        elif callable(source):
            self._source = source
        else:
            raise TypeError(
                f"{cls}() first argument must be Object, Type, "
                "or callable returning Object or Type"
            )
        self._name = name

    def _set(self, value: Any) -> None:
        """Take the Type or Object that this part is of."""
        if isinstance(value, Type):
            check_object_type(value)
            if self._bit_field_size is not None:
                check_bit_field(value, self._bit_field_size)
            prog = value.prog
            self._type = value
        else:
            prog = value.prog_
            self._bit_field_size = value.bit_field_size_
            self._object = value
            self._type = value.type_
        if self._prog is not None and prog is not self._prog:
            self._type = self._object = None
            # It is refused each time, but asked for once.
            self._source = lambda: value
            raise ValueError("objects are from different programs")

    def _evaluate(self) -> Type:
        value = self._source()
        if not isinstance(value, (Type, _object_class)):
            raise TypeError(
                f"{type(self).__name__}() callable must return Object or Type"
            )
        self._set(value)
        self._source = None
        assert self._type is not None
        return self._type

    def _bind(self, prog: Program) -> None:
        """Become a part of a type of ``prog``."""
        if self._type is not None and self._type.prog is not prog:
            raise ValueError("object is from different program")
        self._prog = prog

    @property
    def name(self) -> str | None:
        """The name, None if there is none."""
        return self._name

    @property
    def type(self) -> Type:
        """The type."""
        return self._type or self._evaluate()

    def _as_object(self) -> Object:
        found = self._object
        if found is None:
            type = self.type
            found = self._object
            if found is None:
                found = self._object = _object_class._absent(
                    type, bit_field_size=self._bit_field_size
                )
        return found

    def _repr_source(self) -> str:
        type = self.type
        found: Any = self._object
        if self._bit_field_size is not None or not (found is None or found.absent_):
            return repr(self._as_object())
        return repr_of_type_name(type)


def repr_of_type_name(type: Type) -> str:
    """How a type is shown within the repr of another: by its name."""
    return f"prog.type({type.type_name()!r})"


@closed
class TypeMember(_TypedPart, metaclass=ApiClass, stored=("name", "bit_offset")):
    """A member of a struct, union or class.

    ``object_or_type`` is the default value of the member, or its type, or a
    callable that returns one of them and is called at the first use.
    ``bit_offset`` counts from the start of the type that has the member.
    """

    __slots__ = ("_bit_offset",)

    _bit_offset: int

    def __init__(
        self,
        object_or_type: TypeSource,
        name: str | None = None,
        bit_offset: int = 0,
    ) -> None:
        check_argument("TypeMember", 3, bit_offset, int)
        self._init(object_or_type, name)
        self._bit_offset = bit_offset

    @classmethod
    def _of(
        cls,
        source: Any,
        name: str | None,
        bit_offset: int,
        bit_field_size: int | None = None,
    ) -> TypeMember:
        """A member of debugging information: a Type or a callable, unchecked."""
        member = cls.__new__(cls)
        member._bit_field_size = bit_field_size
        member._bit_offset = bit_offset
        member._name = name
        member._object = None
        member._prog = None
        is_type = isinstance(source, Type)
        member._type = source if is_type else None
        member._source = None if is_type else source
        return member

    def _bind(self, prog: Program) -> None:
        uint64(self._bit_offset)
        super()._bind(prog)

    @property
    def bit_offset(self) -> int:
        """Offset of the member in bits."""
        return self._bit_offset

    @property
    def offset(self) -> int:
        """Offset of the member in bytes, ValueError if it is between two."""
        bit_offset = uint64(self._bit_offset)
        if bit_offset % 8:
            raise ValueError("member is not byte-aligned")
        return bit_offset // 8

    @property
    def bit_field_size(self) -> int | None:
        """Size of a bit field in bits, None for other members."""
        if self._source is not None:
            self._evaluate()
        return self._bit_field_size

    @property
    def object(self) -> Object:
        """The default value of the member, an absent object if there is none."""
        return self._as_object()

    def _moved(self, bit_offset: int) -> TypeMember:
        """The same member as seen from a type that encloses its own."""
        if bit_offset == self._bit_offset:
            return self
        member = TypeMember._of(self.type, self._name, bit_offset, self._bit_field_size)
        member._object = self._object
        return member

    def __repr__(self) -> str:
        name = "" if self._name is None else f"name={self._name!r}, "
        return f"TypeMember({self._repr_source()}, {name}bit_offset={self._bit_offset})"


@closed
class TypeParameter(_TypedPart, metaclass=ApiClass, stored=("name",)):
    """A parameter of a function.

    ``default_argument_or_type`` is the default argument, or the type of the
    parameter, or a callable that returns one of them and is called at the first
    use.
    """

    __slots__ = ()

    def __init__(
        self, default_argument_or_type: TypeSource, name: str | None = None
    ) -> None:
        self._init(default_argument_or_type, name)

    @property
    def default_argument(self) -> Object:
        """The default argument, an absent object if there is none."""
        return self._as_object()

    def __repr__(self) -> str:
        name = "" if self._name is None else f", name={self._name!r}"
        return f"TypeParameter({self._repr_source()}{name})"


@closed
class TypeTemplateParameter(metaclass=ApiClass, stored=("name", "is_default")):
    """A parameter of a template, with its argument.

    ``argument`` is a Type, or an Object that is not absent, or a callable that
    returns one of them and is called at the first use.
    """

    __slots__ = ("_argument", "_is_default", "_name", "_prog", "_source")

    def __init__(
        self,
        argument: TypeSource,
        name: str | None = None,
        is_default: bool = False,
    ) -> None:
        check_argument("TypeTemplateParameter", 3, is_default, bool)
        _check_name("TypeTemplateParameter", name)
        self._argument: Type | Object | None = None
        self._prog: Program | None = None
        self._source: Any = None
        if isinstance(argument, (Type, _object_class)):
            self._set(argument, "first argument must not be")
        elif callable(argument):
            self._source = argument
        else:
            raise TypeError(
                "TypeTemplateParameter() first argument must be Object, Type, "
                "or callable returning Object or Type"
            )
        self._name = name
        self._is_default = is_default

    def _set(self, argument: Any, must_not: str) -> None:
        if isinstance(argument, Type):
            check_object_type(argument)
            prog = argument.prog
        else:
            prog = argument.prog_
            if argument.absent_:
                raise ValueError(f"TypeTemplateParameter() {must_not} absent Object")
        if self._prog is not None and prog is not self._prog:
            self._source = lambda: argument
            raise ValueError("objects are from different programs")
        self._argument = argument

    def _bind(self, prog: Program) -> None:
        """Become a part of a type of ``prog``."""
        argument: Any = self._argument
        if argument is not None:
            own = argument.prog if isinstance(argument, Type) else argument.prog_
            if own is not prog:
                raise ValueError("object is from different program")
        self._prog = prog

    @property
    def name(self) -> str | None:
        """The name, None if there is none."""
        return self._name

    @property
    def argument(self) -> Type | Object:
        """The argument: a Type, or an Object for a parameter that is a value."""
        if self._argument is None:
            argument = self._source()
            if not isinstance(argument, (Type, _object_class)):
                raise TypeError(
                    "TypeTemplateParameter() callable must return Object or Type"
                )
            self._set(argument, "callable must not return")
            self._source = None
        assert self._argument is not None
        return self._argument

    @property
    def is_default(self) -> bool:
        """Whether ``argument`` is the default of the template."""
        return self._is_default

    def __repr__(self) -> str:
        argument = self.argument
        if isinstance(argument, Type):
            parts = [repr_of_type_name(argument)]
        else:
            parts = [repr(argument)]
        if self._name is not None:
            parts.append(f"name={self._name!r}")
        if self._is_default:
            parts.append("is_default=True")
        return f"TypeTemplateParameter({', '.join(parts)})"


@closed
class TypeEnumerator(metaclass=ApiClass, stored=("name", "value")):
    """A constant of an enum; it unpacks into its ``name`` and ``value``."""

    __slots__ = ("_name", "_value")

    def __init__(self, name: str, value: int) -> None:
        check_argument("TypeEnumerator", 1, name, str)
        check_argument("TypeEnumerator", 2, value, int)
        self._name = name
        self._value = value

    @property
    def name(self) -> str:
        """The name of the constant."""
        return self._name

    @property
    def value(self) -> int:
        """The value of the constant."""
        return self._value

    def __repr__(self) -> str:
        return f"TypeEnumerator({self._name!r}, {self._value!r})"

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: SupportsIndex) -> Any:
        if not hasattr(index, "__index__"):
            kind = class_label(index)
            raise TypeError(f"sequence index must be integer, not '{kind}'")
        try:
            return (self._name, self._value)[index]
        except IndexError:
            raise IndexError("TypeEnumerator index out of range") from None

    def __iter__(self) -> Iterator[Any]:
        return iter((self._name, self._value))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TypeEnumerator):
            return NotImplemented
        return self._name == other._name and self._value == other._value

    __hash__ = None  # type: ignore[assignment]
