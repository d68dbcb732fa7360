"""What a type asks of the language that it is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .type import Type


class TypeLanguage:
    """The syntax of types: implemented on a higher floor, by Language."""

    __slots__ = ()

    def type_name(self, type: Type) -> str:
        """The name of ``type``, such as ``int (*)[2]``."""
        raise NotImplementedError

    def definition(self, type: Type) -> str:
        """The definition of ``type``, members and all; its name if it has none."""
        raise NotImplementedError

    def declaration(self, type: Type, name: str) -> str:
        """The declaration of a variable ``name`` of ``type``."""
        raise NotImplementedError

    def bit_offset(self, type: Type, designator: str) -> int:
        """Offset in bits of a member designator such as ``a.b[3].c`` in ``type``."""
        raise NotImplementedError
