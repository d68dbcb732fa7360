"""Type names of C and C++: from text to Types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..types.kinds import PrimitiveType, Qualifiers, TypeKind, TypeKindSet
from ..types.primitives import BY_SPELLING, BY_TYPEDEF
from .c_lexer import END, IDENTIFIER, NUMBER, Lexer, number_value
from .cpp_names import end_of_name

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type
    from .language import Language

_QUALIFIERS = {
    "const": Qualifiers.CONST.value,
    "volatile": Qualifiers.VOLATILE.value,
    "restrict": Qualifiers.RESTRICT.value,
    "_Atomic": Qualifiers.ATOMIC.value,
}
# In the order in which a list of specifiers is named in messages.
_SPECIFIERS = (
    *("signed", "unsigned", "short", "long", "void", "char", "int"),
    *("_Bool", "float", "double"),
)
_C_TAGS = {
    "struct": TypeKindSet({TypeKind.STRUCT}),
    "union": TypeKindSet({TypeKind.UNION}),
    "enum": TypeKindSet({TypeKind.ENUM}),
}
_CPP_TAGS = {**_C_TAGS, "class": TypeKindSet({TypeKind.CLASS})}
_C_KEYWORDS = frozenset((*_QUALIFIERS, *_SPECIFIERS, *_C_TAGS))
_CPP_KEYWORDS = _C_KEYWORDS | {"class"}
_C_UNTAGGED = TypeKindSet({TypeKind.TYPEDEF})
_CPP_UNTAGGED = TypeKindSet(
    {
        TypeKind.STRUCT,
        TypeKind.UNION,
        TypeKind.CLASS,
        TypeKind.ENUM,
        TypeKind.TYPEDEF,
    }
)


def _in_order(words: list[str]) -> str:
    return " ".join(sorted(words, key=_SPECIFIERS.index))


_PRIMITIVES = {"void": PrimitiveType.C_VOID} | {
    _in_order(spelling.split()): primitive
    for spelling, primitive in BY_SPELLING.items()
}


def keywords(language: Language) -> frozenset[str]:
    """The words of a language that cannot name a type or a member."""
    return _CPP_KEYWORDS if language._is_cpp else _C_KEYWORDS


def parse_type_name(
    prog: Program, name: str, filename: str | None, language: Language
) -> Type:
    """Find the type that ``name`` spells in ``language``.

    Raises SyntaxError if it cannot be parsed, and LookupError if no type finder
    knows the type that it starts with.
    """
    parser = _Parser(prog, name, filename, language)
    type = parser.specifiers()
    if parser.lexer.peek().kind == END:
        return type
    return parser.declarator(type)


class _Parser:
    """The parts of one type name: specifiers, then an abstract declarator."""

    __slots__ = ("_cpp", "_filename", "_keywords", "_prog", "_tags", "lexer")

    def __init__(
        self, prog: Program, name: str, filename: str | None, language: Language
    ) -> None:
        self._prog = prog
        self._filename = filename
        self._cpp = language._is_cpp
        self._keywords = keywords(language)
        self._tags = _CPP_TAGS if self._cpp else _C_TAGS
        self.lexer = Lexer(name, self._cpp)

    # Specifiers and qualifiers.

    def specifiers(self) -> Type:
        """The type of the specifiers and qualifiers at the start of the name."""
        qualifiers = 0
        words: list[str] = []
        tag: str | None = None
        identifier: str | None = None
        while True:
            token = self.lexer.peek()
            word = token.text
            if word in self._keywords:
                if word in _QUALIFIERS:
                    self.lexer.take()
                    qualifiers |= _QUALIFIERS[word]
                    continue
                current = self._current(words, tag, identifier, word)
                if current is not None:
                    raise SyntaxError(f"cannot combine '{word}' with {current}")
                self.lexer.take()
                if word in self._tags:
                    tag = word
                    identifier = self._identifier()
                    if identifier is None:
                        # What is no token at all is the error.
                        self.lexer.peek()
                        raise SyntaxError(f"expected identifier after '{word}'")
                else:
                    words.append(word)
                continue
            if words or identifier is not None:
                break
            identifier = self._identifier()
            if identifier is None:
                raise SyntaxError("expected type specifier")
        if identifier is None:
            type = self._prog._types.primitive(_PRIMITIVES[_in_order(words)])
        else:
            type = self._find(tag, identifier)
        if qualifiers:
            qualifiers |= type.qualifiers.value
            type = type.qualified(Qualifiers(qualifiers))
        return type

    def _current(
        self, words: list[str], tag: str | None, identifier: str | None, word: str
    ) -> str | None:
        """What is there that ``word`` cannot be combined with, None if it can."""
        if identifier is not None:
            return "identifier" if tag is None or word in self._tags else f"'{tag}'"
        if words and (
            word in self._tags or _in_order([*words, word]) not in _PRIMITIVES
        ):
            return f"'{_in_order(words)}'"
        return None

    def _identifier(self) -> str | None:
        """Take a name, None if there is none.

        LookupError for a qualified name in C, which has no namespaces to look in.
        """
        if self._cpp:
            start = self.lexer.next_start()
            end = end_of_name(self.lexer.source, start, self._keywords)
            if end > start:
                self.lexer.skip_to(end)
                return self.lexer.source[start:end]
            return None
        token = self.lexer.peek()
        if token.kind == ":":
            raise self._not_found()
        if token.kind != IDENTIFIER or token.text in self._keywords:
            return None
        self.lexer.take()
        return token.text

    def _find(self, tag: str | None, identifier: str) -> Type:
        # What cannot be parsed comes before what cannot be found.
        self.lexer.peek()
        prog = self._prog
        if tag is None:
            primitive = BY_TYPEDEF.get(identifier)
            if primitive is not None:
                return prog._types.primitive(primitive)
            kinds = _CPP_UNTAGGED if self._cpp else _C_UNTAGGED
        else:
            kinds = self._tags[tag]
        type = prog._find_type(kinds, identifier, self._filename)
        if type is None and "<" in identifier:
            from .cpp_templates import other_spellings

            for spelling in other_spellings(identifier):
                type = prog._find_type(kinds, spelling, self._filename)
                if type is not None:
                    break
        if type is None:
            raise self._not_found()
        return type

    def _not_found(self) -> LookupError:
        where = "" if self._filename is None else f" in '{self._filename}'"
        return LookupError(f"could not find '{self.lexer.source}'{where}")

    # Abstract declarators.

    def declarator(self, type: Type) -> Type:
        """The type that pointers, parentheses and arrays make of ``type``.

        Raises SyntaxError unless they reach to the end of the name.
        """
        if self.lexer.peek().kind not in ("*", "(", "["):
            raise SyntaxError("expected abstract declarator")
        # Parentheses can only open before the first array and close after it, so
        # that a level is some pointers on the way in and arrays on the way out.
        levels = [self._pointers()]
        while self.lexer.peek().kind == "(":
            self.lexer.take()
            if self.lexer.peek().kind not in ("*", "(", "["):
                raise SyntaxError("function pointer types are not implemented")
            levels.append(self._pointers())
        arrays = []
        for depth in reversed(range(len(levels))):
            arrays.append(self._arrays())
            if depth and not self._take_if(")"):
                raise SyntaxError("expected ')'")
        if self.lexer.peek().kind != END:
            raise SyntaxError("extra tokens after type name")
        # The outermost level is nearest to the type.
        factory = self._prog._types
        for pointers, lengths in zip(levels, reversed(arrays), strict=True):
            for qualifiers in pointers:
                type = factory.pointer_type(
                    type, qualifiers=Qualifiers(qualifiers), language=type.language
                )
            for length in reversed(lengths):
                type = factory.array_type(type, length, language=type.language)
        return type

    def _take_if(self, kind: str) -> bool:
        if self.lexer.peek().kind == kind:
            self.lexer.take()
            return True
        return False

    def _pointers(self) -> list[int]:
        """The qualifiers of each pointer in a row."""
        pointers: list[int] = []
        while True:
            token = self.lexer.peek()
            if token.kind == "*":
                pointers.append(0)
            elif pointers and token.text in _QUALIFIERS:
                pointers[-1] |= _QUALIFIERS[token.text]
            else:
                return pointers
            self.lexer.take()

    def _arrays(self) -> list[int | None]:
        """The lengths of the array declarators in a row, None for ``[]``."""
        lengths: list[int | None] = []
        while self._take_if("["):
            length = None
            if self.lexer.peek().kind == NUMBER:
                length = number_value(self.lexer.take().text)
            if not self._take_if("]"):
                raise SyntaxError("expected ']'")
            lengths.append(length)
        if self.lexer.peek().kind == "(":
            raise SyntaxError("function pointer types are not implemented")
        return lengths
