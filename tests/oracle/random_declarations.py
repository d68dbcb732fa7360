"""Random C: structures, enums, typedefs, functions, and variables of all of them."""

from __future__ import annotations

import random

_INTEGERS = (
    "char", "signed char", "unsigned char", "short", "unsigned short", "int",
    "unsigned", "long", "unsigned long", "long long", "unsigned long long",
)  # fmt: skip
_OTHERS = ("_Bool", "float", "double")
_QUALIFIERS = ("", "", "", "const ", "volatile ", "const volatile ")


class Declarations:
    """``source``: a program; ``types`` and ``names``: what it declares."""

    def __init__(self, seed: int, count: int) -> None:
        self._random = random.Random(seed)
        self._number = 0
        self.types: list[str] = []
        self.names: list[str] = []
        self._lines: list[str] = []
        for _ in range(count):
            self._type()
        for type in self.types:
            self._variable(f"{type} {{}}")
        for _ in range(count):
            self._variable(self._declaration("{}", qualified=False))
        for _ in range(count // 4):
            self._function()

    @property
    def source(self) -> str:
        used = "".join(f"(void){name}; " for name in self.names)
        return "\n".join([*self._lines, f"int main(void) {{ {used}return 0; }}\n"])

    def _name(self, letter: str) -> str:
        self._number += 1
        return f"{letter}{self._number}"

    def _variable(self, declaration: str) -> None:
        name = self._name("v")
        self._lines.append(f"{declaration.format(name)};")
        self.names.append(name)

    def _function(self) -> None:
        choice = self._random.choice
        name = self._name("f")
        parameters = [
            self._declaration(self._name("p")) for _ in range(choice((0, 1, 3)))
        ]
        listed = ", ".join(parameters) or "void"
        self._lines.append(
            f"static {choice(_INTEGERS)} {name}({listed}) {{ return 0; }}"
        )
        self.names.append(name)

    def _base(self) -> str:
        kinds = (_INTEGERS, _INTEGERS, _OTHERS, self.types or _INTEGERS)
        return self._random.choice(self._random.choice(kinds))

    def _declaration(self, declarator: str, *, qualified: bool = True) -> str:
        """Pointers to, arrays of and functions that return one of the types so far."""
        choice = self._random.choice
        base = self._base()
        last = ""
        for _ in range(choice((0, 0, 0, 1, 1, 2, 3))):
            kind = choice("**[(")
            if kind == "*":
                declarator = f"*{choice(_QUALIFIERS)}{declarator}"
            elif kind == "[" and last != "(":
                if last == "*":
                    declarator = f"({declarator})"
                declarator += f"[{choice((1, 2, 5))}]"
            elif kind == "(" and not last:
                taken = ", ".join(f"{self._base()} *" for _ in range(choice((0, 1, 2))))
                declarator = f"(*{declarator})({taken or choice(('', 'void'))})"
                base = choice(_INTEGERS)
            else:
                continue
            last = kind
        return f"{choice(_QUALIFIERS) if qualified else ''}{base} {declarator}"

    def _members(self, depth: int) -> str:
        choice = self._random.choice
        members = []
        for _ in range(choice((1, 2, 3, 5))):
            kind = choice("bbsemmmm")
            if kind == "b":
                width = choice((1, 3, 7, 8))
                members.append(f"{choice(_INTEGERS)} {self._name('b')} : {width};")
                members.append(choice(("", "", "", "int : 3;", "int : 0;")))
            elif kind == "s" and depth < 2:
                name = choice(("", self._name("m"), f"{self._name('m')}[2]"))
                keyword = choice(("struct", "union"))
                members.append(f"{keyword} {{ {self._members(depth + 1)} }} {name};")
            elif kind == "e":
                members.append(f"enum {{ {self._enumerators()} }} {self._name('m')};")
            else:
                members.append(f"{self._declaration(self._name('m'))};")
        return " ".join(members)

    def _enumerators(self) -> str:
        names = (self._name("E") for _ in range(3))
        values = ("", " = 5", f" = {self._random.choice((-7, 200, 1 << 20))}")
        return ", ".join(map("".join, zip(names, values, strict=True)))

    def _type(self) -> None:
        choice = self._random.choice
        kind, name = choice("ssseta"), self._name("T")
        if kind == "s":
            keyword = choice(("struct", "struct", "union"))
            packed = choice(("", "", "__attribute__((packed)) "))
            self._lines.append(f"{keyword} {packed}{name} {{ {self._members(0)} }};")
            self.types.append(f"{keyword} {name}")
        elif kind == "e":
            self._lines.append(f"enum {name} {{ {self._enumerators()} }};")
            self.types.append(f"enum {name}")
        else:
            aliased = (
                self._declaration(name, qualified=False)
                if kind == "t"
                else f"struct {{ {self._members(0)} }} {name}"
            )
            self._lines.append(f"typedef {aliased};")
            self.types.append(name)
