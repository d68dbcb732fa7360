"""Expressions of C and C++ as GDB has them, as trees.

A tree is a tuple: its kind, and what that kind holds. Whether a name is a type's
decides what parentheses mean, so that reading asks for the names of types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import drgn

from .errors import error
from .lexer import Token, tokens

Tree = tuple[Any, ...]
FindType = Callable[[str], "drgn.Type | None"]

_LEVELS: dict[str, int] = {
    "||": 3,
    "&&": 4,
    "|": 5,
    "^": 6,
    "&": 7,
    "==": 8,
    "!=": 8,
    "<": 9,
    ">": 9,
    "<=": 9,
    ">=": 9,
    "<<": 10,
    ">>": 10,
    "@": 11,
    "+": 12,
    "-": 12,
    "*": 13,
    "/": 13,
    "%": 13,
}
_ASSIGN = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
_TYPE_WORDS = {
    "struct",
    "union",
    "enum",
    "class",
    "unsigned",
    "signed",
    "long",
    "short",
    "int",
    "char",
    "float",
    "double",
    "void",
    "_Bool",
    "const",
    "volatile",
}
_TAGGED = {"struct", "union", "enum"}
_MAX_DEPTH = 150
_CASTS = {"static_cast", "reinterpret_cast", "const_cast", "dynamic_cast"}


class Parser:
    """Reads one expression."""

    def __init__(
        self, text: str, find_type: FindType, is_variable: Callable[[str], bool]
    ) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0
        self._find_type = find_type
        self._is_variable = is_variable

    # Words.

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _peek(self, text: str) -> bool:
        token = self._token
        return token.kind == "op" and token.text == text

    def _accept(self, text: str) -> bool:
        if self._peek(text):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            self._fail()

    def _fail(self) -> None:
        token = self._token
        near = self._text[token.start :]
        raise error(f"A syntax error in expression, near `{near}'.")

    # Expressions.

    def parse(self) -> Tree:
        """The whole expression, or the type that the text names."""
        if self._starts_type():
            found = self._find_type(self._text)
            if found is not None:
                return ("type", found)
            if self._token.text in _TAGGED:
                kind, _, name = self._text.strip().rstrip("* ").partition(" ")
                raise error(f"No {kind} type named {name.strip()}.")
        tree = self._comma()
        if self._token.kind != "end":
            self._fail()
        return tree

    def _comma(self) -> Tree:
        tree = self._assignment()
        while self._accept(","):
            tree = ("comma", tree, self._assignment())
        return tree

    def _assignment(self) -> Tree:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise error("Expression is nested too deeply.")
        try:
            tree = self._conditional()
            token = self._token
            if token.kind == "op" and token.text in _ASSIGN:
                self._at += 1
                value = self._assignment()
                if token.text != "=":
                    value = ("binary", token.text[:-1], tree, value)
                return ("assign", tree, value)
            return tree
        finally:
            self._depth -= 1

    def _conditional(self) -> Tree:
        tree = self._binary(3)
        if self._accept("?"):
            chosen = self._comma()
            self._expect(":")
            return ("choose", tree, chosen, self._assignment())
        return tree

    def _binary(self, level: int) -> Tree:
        tree = self._unary()
        while True:
            token = self._token
            mine = _LEVELS.get(token.text, 0) if token.kind == "op" else 0
            if mine < level:
                return tree
            self._at += 1
            right = self._binary(mine + 1)
            kind = "binary" if token.text not in ("&&", "||", "@") else token.text
            if kind == "binary":
                tree = (kind, token.text, tree, right)
            else:
                tree = (kind, tree, right)

    def _unary(self) -> Tree:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise error("Expression is nested too deeply.")
        try:
            return self._unary_inside()
        finally:
            self._depth -= 1

    def _unary_inside(self) -> Tree:
        token = self._token
        if token.kind == "op":
            if token.text in ("-", "+", "~", "!", "*", "&"):
                self._at += 1
                return ("unary", token.text, self._unary())
            if token.text in ("++", "--"):
                self._at += 1
                place = self._unary()
                one = ("number", 1, "int")
                return ("assign", place, ("binary", token.text[0], place, one))
            if token.text == "(":
                type_ = self._type_inside("(", ")")
                if type_ is not None:
                    return ("cast", type_, self._unary())
            if token.text == "{":
                type_ = self._type_inside("{", "}")
                if type_ is None:
                    self._fail()
                return ("at", type_, self._unary())
        elif token.kind == "name":
            if token.text in ("sizeof", "alignof", "_Alignof"):
                self._at += 1
                type_ = self._type_inside("(", ")") if self._peek("(") else None
                of = ("type", type_) if type_ is not None else self._unary()
                return ("sizeof" if token.text == "sizeof" else "alignof", of)
            if token.text in _CASTS:
                return self._named_cast()
        return self._postfix(self._primary())

    def _named_cast(self) -> Tree:
        self._at += 1
        type_ = self._type_inside("<", ">")
        if type_ is None:
            self._fail()
        self._expect("(")
        tree = self._comma()
        self._expect(")")
        return self._postfix(("cast", type_, tree))

    def _postfix(self, tree: Tree) -> Tree:
        while True:
            token = self._token
            if token.kind != "op":
                return tree
            if self._accept("["):
                tree = ("index", tree, self._comma())
                self._expect("]")
            elif self._accept("("):
                tree = ("call", tree, self._arguments())
            elif token.text in (".", "->"):
                self._at += 1
                tree = ("member", tree, self._member_name())
            elif token.text in ("++", "--"):
                self._at += 1
                one = ("number", 1, "int")
                step = ("binary", token.text[0], tree, one)
                tree = ("after", ("assign", tree, step), tree)
            else:
                return tree

    def _member_name(self) -> str:
        if self._accept("~"):
            return "~" + self._member_name()
        token = self._token
        if token.kind != "name":
            self._fail()
        self._at += 1
        name = token.text
        while self._accept("::"):
            name = self._token.text
            self._at += 1
        return name

    def _arguments(self) -> list[Tree]:
        found: list[Tree] = []
        if self._accept(")"):
            return found
        while True:
            found.append(self._assignment())
            if self._accept(")"):
                return found
            self._expect(",")

    def _primary(self) -> Tree:
        token = self._token
        kind = token.kind
        if kind == "number":
            self._at += 1
            return integer(token.text)
        if kind == "float":
            self._at += 1
            suffix = token.text[-1].lower()
            text = token.text.rstrip("fFlL")
            type_ = {"f": "float", "l": "long double"}.get(suffix, "double")
            return ("number", float(text), type_)
        if kind == "string":
            text = ""
            while self._token.kind == "string":
                word = self._token.text
                text += word[word.index('"') + 1 : -1]
                self._at += 1
            return ("string", text)
        if kind == "char":
            return self._quoted()
        if kind == "variable":
            self._at += 1
            return ("variable", token.text)
        if kind == "name":
            return self._name()
        if self._accept("::"):
            return self._name()
        if self._accept("("):
            tree = self._comma()
            self._expect(")")
            return tree
        self._fail()
        raise AssertionError

    def _quoted(self) -> Tree:
        token = self._token
        self._at += 1
        inside = token.text[token.text.index("'") + 1 : -1]
        if self._accept("::"):
            name = self._token
            self._at += 1
            return ("name", name.text, inside)
        if len(inside) == 1 or inside.startswith("\\"):
            return ("char", inside, token.text[0])
        return ("name", inside, None)

    def _name(self) -> Tree:
        """A name with its namespaces and template arguments."""
        name = self._token.text
        if self._token.kind != "name":
            self._fail()
        self._at += 1
        while True:
            if self._peek("<"):
                end = self._template_end(name)
                if end is None:
                    break
                start = self._token.start
                name += self._text[start : self._tokens[end].end]
                self._at = end + 1
            elif self._peek("::"):
                behind = self._tokens[self._at + 1]
                tilde = behind.kind == "op" and behind.text == "~"
                if behind.kind == "char":
                    break
                self._at += 3 if tilde else 2
                after = self._tokens[self._at - 1]
                name += "::" + ("~" if tilde else "") + after.text
            else:
                break
        return ("name", name, None)

    def _template_end(self, name: str) -> int | None:
        """Where template arguments end, if what begins here are some."""
        depth = 0
        for index in range(self._at, min(len(self._tokens), self._at + 200)):
            text = self._tokens[index].text
            if text == "<":
                depth += 1
            elif text in (">", ">>"):
                depth -= len(text)
                if depth <= 0:
                    inside = self._text[self._token.start : self._tokens[index].end]
                    whole = name + inside
                    known = self._find_type(whole) or self._is_variable(whole)
                    follows = self._tokens[index + 1].text == "::"
                    return index if known or follows else None
        return None

    # Types.

    def _starts_type(self, at: int | None = None) -> bool:
        token = self._tokens[self._at if at is None else at]
        if token.kind != "name":
            return False
        return token.text in _TYPE_WORDS or not self._is_variable(token.text)

    def _type_inside(self, opening: str, closing: str) -> drgn.Type | None:
        """The type between brackets; None, and nothing read, if it is none."""
        start = self._at
        if not self._peek(opening) or not self._starts_type(start + 1):
            return None
        depth = 0
        for index in range(start, len(self._tokens)):
            token = self._tokens[index]
            if token.kind != "op":
                continue
            if token.text == opening:
                depth += 1
            elif token.text in (closing, closing * 2):
                depth -= len(token.text)
                if depth <= 0:
                    begin = self._tokens[start].end
                    text = self._text[begin : token.start + len(token.text) - 1]
                    found = self._find_type(text)
                    if found is not None:
                        self._at = index + 1
                    elif self._tokens[start + 1].text in _TAGGED:
                        kind, _, name = text.strip().rstrip("* ").partition(" ")
                        raise error(f"No {kind} type named {name.strip()}.")
                    return found
        return None


def integer(text: str) -> Tree:
    """A literal with the type that it has."""
    digits = text.rstrip("uUlL")
    suffix = text[len(digits) :].lower()
    if digits[:2] in ("0x", "0X"):
        value, base = int(digits, 16), 16
    elif digits[:2] in ("0b", "0B"):
        value, base = int(digits, 2), 2
    elif digits.startswith("0") and len(digits) > 1:
        if not set(digits) <= set("01234567"):
            raise error(f'Invalid number "{text}".')
        value, base = int(digits, 8), 8
    else:
        value, base = int(digits), 10
    unsigned, long = "u" in suffix, "l" in suffix
    if value >= 1 << 64:
        raise error("Numeric constant too large.")
    if not long and value < 1 << 31 and not unsigned:
        return ("number", value, "int")
    if not long and value < 1 << 32 and (unsigned or base != 10):
        return ("number", value, "unsigned int")
    if value < 1 << 63 and not unsigned:
        return ("number", value, "long")
    return ("number", value, "unsigned long")
