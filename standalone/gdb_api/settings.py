"""GDB's settings (``set print pretty on``) that mean something here, and any others."""

from __future__ import annotations

Setting = bool | int | str | None
"""None is "unlimited"."""

_DEFAULTS: dict[str, Setting] = {
    "confirm": False,
    "disassembly-flavor": "att",
    "height": None,
    "history size": None,
    "language": "auto",
    "listsize": 10,
    "logging enabled": False,
    "pagination": False,
    "print address": True,
    "print array": False,
    "print array-indexes": False,
    "print characters": "elements",
    "print demangle": True,
    "print elements": 200,
    "print entry-values": "default",
    "print finish": True,
    "print frame-arguments": "scalars",
    "print frame-info": "auto",
    "print max-depth": 20,
    "print nibbles": False,
    "print null-stop": False,
    "print object": False,
    "print pretty": False,
    "print raw-frame-arguments": False,
    "print repeats": 10,
    "print sevenbit-strings": False,
    "print static-members": True,
    "print symbol": True,
    "print symbol-filename": False,
    "print type hex": False,
    "print union": True,
    "print vtbl": False,
    "python print-stack": "message",
    "verbose": False,
    "width": None,
}

INTEGERS = frozenset(
    {
        "height",
        "history size",
        "listsize",
        "print elements",
        "print max-depth",
        "print repeats",
        "width",
    }
)


class Settings(dict[str, Setting]):
    """Settings by their whole names ("print pretty")."""

    def __init__(self) -> None:
        super().__init__(_DEFAULTS)

    def whole_name(self, name: str) -> str | None:
        """The setting that abbreviated words mean; None if it is none or several."""
        if name in self:
            return name
        words = name.split()
        found = [
            each
            for each in self
            if len(each.split()) == len(words)
            and all(
                whole.startswith(word)
                for whole, word in zip(each.split(), words, strict=True)
            )
        ]
        return found[0] if len(found) == 1 else None
