"""Programming languages: what depends on one hangs on its object."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..closed import ApiClass, closed
from ..types.language import TypeLanguage

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type


@closed
class Language(TypeLanguage, metaclass=ApiClass):
    """A programming language.

    ``Language.C`` and ``Language.CPP`` are the only instances.
    """

    __slots__ = ("_attribute", "_name")

    C: ClassVar[Language]
    CPP: ClassVar[Language]

    _attribute: str
    _name: str

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("cannot create '_drgn.Language' instances")

    @classmethod
    def _make(cls, attribute: str, name: str) -> Language:
        language = object.__new__(cls)
        language._attribute = attribute
        language._name = name
        return language

    @property
    def name(self) -> str:
        """The name of the language."""
        return self._name

    @property
    def _is_cpp(self) -> bool:
        return self is Language.CPP

    def __repr__(self) -> str:
        return f"Language.{self._attribute}"

    def type_name(self, type: Type) -> str:
        """The name of ``type``, such as ``int (*)[2]``."""
        from .c_decl import type_name

        return type_name(type)

    def definition(self, type: Type) -> str:
        """The definition of ``type``, members and all; its name if it has none."""
        from .c_decl import definition

        return definition(type)

    def declaration(self, type: Type, name: str) -> str:
        """The declaration of a variable ``name`` of ``type``."""
        from .c_decl import declaration

        return declaration(type, name)

    def bit_offset(self, type: Type, designator: str) -> int:
        """Offset in bits of a member designator such as ``a.b[3].c`` in ``type``."""
        from .c_designator import resolve

        return resolve(type, designator)[1]

    def subobject(self, type: Type, designator: str) -> tuple[Type, int, int | None]:
        """What a designator such as ``a.b[3]`` or ``[3].c`` names in ``type``.

        Its type, its offset in bits and the size of a bit field in bits or None.
        """
        from .c_designator import resolve

        return resolve(type, designator, element_first=True)

    def parse_type_name(self, prog: Program, name: str, filename: str | None) -> Type:
        """Find the type that ``name`` spells.

        Raises SyntaxError if it cannot be parsed and LookupError if no type
        finder knows it.
        """
        from .c_names import parse_type_name

        return parse_type_name(prog, name, filename, self)


Language.C = Language._make("C", "C")
Language.CPP = Language._make("CPP", "C++")
