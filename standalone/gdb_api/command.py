"""Commands: their tree, abbreviations, and the ``gdb.Command`` that scripts derive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import error

COMMAND_NONE = -1
COMMAND_RUNNING = 0
COMMAND_DATA = 1
COMMAND_STACK = 2
COMMAND_FILES = 3
COMMAND_SUPPORT = 4
COMMAND_STATUS = 5
COMMAND_BREAKPOINTS = 6
COMMAND_TRACEPOINTS = 7
COMMAND_OBSCURE = 10
COMMAND_MAINTENANCE = 11
COMMAND_TUI = 12
COMMAND_USER = 13

COMPLETE_NONE = 0
COMPLETE_FILENAME = 1
COMPLETE_LOCATION = 2
COMPLETE_COMMAND = 3
COMPLETE_SYMBOL = 4
COMPLETE_EXPRESSION = 5

_SHOWN = 200
"""Characters of a line that an error shows, at most."""
_NAME = re.compile(r"[A-Za-z0-9_.-]*")

Run = Callable[[str, bool], None]
"""Takes the arguments, stripped, and whether a person typed the line."""


@dataclass
class Entry:
    """A command in the tree."""

    name: str
    """With its prefixes ("info symbol")."""
    run: Run | None = None
    doc: str = ""
    children: dict[str, Entry] | None = None
    """Commands that it is a prefix of; None if it is no prefix."""
    takes_other: bool = False
    """Whether a prefix takes arguments that are none of its commands."""
    complete: Callable[[str, str], Any] | None = None
    run_by_user: bool = False
    """Whether a ``define`` made it."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Short names of children that would be ambiguous or that are none's beginning."""

    def add(self, path: str, run: Run | None, doc: str = "", **options: Any) -> Entry:
        """Put a command below this one, by its words."""
        *before, last = path.split()
        parent = self
        for word in before:
            parent = parent.child(word)
        if parent.children is None:
            raise RuntimeError(f"'{' '.join(before)}' is not a prefix command.")
        entry = Entry(path, run, doc, **options)
        parent.children[last] = entry
        return entry

    def child(self, word: str) -> Entry:
        """The command of exactly this name. Raises RuntimeError without one."""
        found = (self.children or {}).get(self.aliases.get(word, word))
        if found is None:
            raise RuntimeError(f"Could not find command prefix {word}.")
        return found

    def matching(self, word: str) -> list[str]:
        """The names of children that a word may mean, in order."""
        children = self.children or {}
        word = self.aliases.get(word, word)
        if word in children:
            return [word]
        return sorted(name for name in children if name.startswith(word))


def split_word(line: str) -> tuple[str, str]:
    """The command's name that a line begins with, and what is behind it."""
    match = _NAME.match(line)
    end = match.end() if match else 0
    word, rest = line[:end], line[end:]
    if word in ("", "-") and line[:1] == "!":
        word, rest = "!", line[1:]
    return word, rest.strip()


def find(root: Entry, line: str) -> tuple[Entry, str]:
    """The command that a line names, and its arguments, as GDB takes abbreviations."""
    entry, rest = root, line.strip()
    while entry.children is not None:
        word, behind = split_word(rest)
        found = entry.matching(word) if word else []
        if not found:
            if entry is not root and (entry.takes_other or not rest):
                break
            raise error(_undefined(entry, (word or rest)[:_SHOWN]))
        if len(found) > 1:
            if entry.takes_other:
                break
            names = ", ".join(found)
            kind = f"{entry.name} " if entry.name else ""
            line = (rest or word)[:_SHOWN]
            raise error(f'Ambiguous {kind}command "{line}": {names}.')
        entry, rest = entry.children[found[0]], behind
    return entry, rest


def _undefined(entry: Entry, word: str) -> str:
    if not entry.name:
        return f'Undefined command: "{word}".  Try "help".'
    name = entry.name
    return f'Undefined {name} command: "{word}".  Try "help {name}".'


def completions(root: Entry, line: str) -> Iterator[str]:
    """What the last word of a line may become."""
    entry, rest = root, line.lstrip()
    while entry.children is not None:
        word, behind = split_word(rest)
        if len(word) == len(rest):
            yield from sorted(n for n in entry.children if n.startswith(word))
            return
        found = entry.matching(word)
        if len(found) != 1:
            return
        entry, rest = entry.children[found[0]], behind
        if not rest and not line.endswith(" "):
            return
    if entry.complete is not None:
        word = rest.rpartition(" ")[2]
        offered = entry.complete(rest, word)
        if isinstance(offered, int) or offered is None:
            return
        yield from (str(each) for each in offered)


def string_to_argv(text: str) -> list[str]:
    """Part arguments as GDB does: by spaces, with quotes and backslashes."""
    found: list[str] = []
    part: list[str] | None = None
    quote = ""
    letters = iter(text)
    for letter in letters:
        if quote:
            if letter == quote:
                quote = ""
                continue
            if letter == "\\":
                letter = next(letters, "")
        elif letter.isspace():
            if part is not None:
                found.append("".join(part))
                part = None
            continue
        elif letter in "'\"":
            quote = letter
            part = [] if part is None else part
            continue
        elif letter == "\\":
            letter = next(letters, "")
        part = [letter] if part is None else [*part, letter]
    if part is not None:
        found.append("".join(part))
    return found


class Command:
    """A command that a script defines: it overrides ``invoke``."""

    def __init__(
        self,
        name: str,
        command_class: int = COMMAND_NONE,
        completer_class: int = -1,
        prefix: bool = False,
    ) -> None:
        from .session import current

        words = name.split()
        if not words:
            raise RuntimeError("No command name found.")
        invoke = getattr(self, "invoke", None)
        complete = getattr(self, "complete", None)
        doc = type(self).__doc__ or "This command is not documented."
        self.__entry = current().root.add(
            " ".join(words),
            None if invoke is None else lambda args, tty: self.__run(args, tty),
            doc,
            children={} if prefix else None,
            takes_other=prefix and invoke is not None,
            complete=complete,
        )
        self.__repeats = True

    def __run(self, args: str, from_tty: bool) -> None:
        from .scripts import python_error

        try:
            self.invoke(args, from_tty)  # type: ignore[attr-defined]
        except Exception as reason:
            raise python_error(reason) from None

    def dont_repeat(self) -> None:
        """Have an empty line not run this again (no line does here)."""
        self.__repeats = False
