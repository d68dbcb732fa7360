"""Files of commands: ``define``, ``document``, ``if``, ``while``, ``python`` and lines.

A block is read as a whole before anything of it runs, as GDB does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .command import Entry
from .errors import GdbError, error
from .session import Session, current

_MAX_DEPTH = 1024
"""Calls of user-defined commands within each other: GDB's ``max-user-call-depth``."""

_ARGUMENT = re.compile(r"\$(arg[0-9]+|argc|argv|arg\*)(?![A-Za-z0-9_])")
_BODIES = ("define", "document", "while", "if", "python", "commands")
_WORD = re.compile(r"([A-Za-z0-9_-]+)\s*(.*)", re.DOTALL)


@dataclass
class Node:
    """A line, with what hangs below it if it begins a block."""

    line: str
    kind: str = ""
    """The word of a block ("while"); empty for a line alone."""
    body: list[Node] = field(default_factory=list)
    other: list[Node] = field(default_factory=list)
    """Of ``if``, what is behind ``else``."""
    text: list[str] = field(default_factory=list)
    """The lines of a block that holds no commands, as they are."""


class LoopBreakError(Exception):
    """``loop_break``."""


class LoopContinueError(Exception):
    """``loop_continue``."""


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Lines, those that end in a backslash with the next one."""
    held = ""
    for line in lines:
        line = line.rstrip("\r\n")
        if line.endswith("\\"):
            held += line[:-1]
            continue
        yield held + line
        held = ""
    if held:
        yield held


def block_kind(line: str) -> str:
    """What kind of block a line begins; empty if it begins none."""
    match = _WORD.match(line)
    if match is None:
        return ""
    word, rest = match[1], match[2].strip()
    word = {"py": "python", "python-interactive": "", "pi": ""}.get(word, word)
    if word == "python":
        # With code behind it the line is whole.
        return "" if rest else "python"
    return word if word in _BODIES else ""


def parse(lines: Iterable[str]) -> Iterator[Node]:
    """The nodes of some lines, one at a time."""
    source = _joined(lines)
    for line in source:
        node = _parse_line(line, source, 0)
        if node is not None:
            yield node


def _parse_line(line: str, source: Iterator[str], depth: int) -> Node | None:
    stripped = line.strip()
    if not stripped or stripped.startswith("#"):
        return None
    kind = block_kind(stripped)
    node = Node(stripped, kind)
    if not kind:
        return node
    if depth > 200:
        raise error("Control nesting too deep!")
    if kind in ("document", "python"):
        node.text = list(_raw_lines(source))
        return node
    where = node.body
    for inner in source:
        word = inner.strip()
        if word == "end":
            return node
        if word == "else" and kind == "if" and where is node.body:
            where = node.other
            continue
        child = _parse_line(inner, source, depth + 1)
        if child is not None:
            where.append(child)
    raise error("Unexpected end of file: a block without its end.")


def _raw_lines(source: Iterator[str]) -> Iterator[str]:
    for line in source:
        if line.strip() == "end":
            return
        yield line


class Arguments:
    """What ``$arg0``, ``$argc`` stand for in a user-defined command."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = split_arguments(text)

    def put_into(self, line: str) -> str:
        """A line with the arguments in their places."""

        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name == "argc":
                return str(len(self.words))
            if name in ("arg*", "argv"):
                return self.text
            index = int(name[3:])
            if index >= len(self.words):
                raise error(f"Missing argument {index} in user function.")
            return self.words[index]

        return _ARGUMENT.sub(one, line)


def split_arguments(text: str) -> list[str]:
    """The words of a user-defined command's arguments; quotes stay, and hold spaces."""
    words: list[str] = []
    word, quote, escaped = "", "", False
    for letter in text:
        if not quote and not escaped and letter.isspace():
            if word:
                words.append(word)
            word = ""
            continue
        word += letter
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
    return [*words, word] if word else words


def run(lines: Iterable[str], from_tty: bool = False) -> None:
    """Run lines of commands; the first that fails ends them."""
    session = current()
    for node in parse(lines):
        run_node(session, node, None, from_tty)


def run_file(path: str, text: str) -> None:
    """Run a file of commands; what fails is told with its line."""
    session = current()
    counted = _Counted(text.splitlines())
    for node in parse(counted):
        begun = counted.number
        try:
            run_node(session, node, None, False)
        except (error, GdbError) as reason:
            message = str(reason)
            raise error(
                f"{path}:{begun}: Error in sourced command file:\n{message}"
            ) from None


class _Counted(Iterator[str]):
    """Lines, and the number of the one that was read last."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = iter(lines)
        self.number = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return line


def run_node(
    session: Session, node: Node, arguments: Arguments | None, from_tty: bool
) -> None:
    """Run a line or a block."""
    kind = node.kind
    if kind == "define":
        define(session, node)
    elif kind == "document":
        _document(session, node)
    elif kind == "python":
        run_python(session, "\n".join(node.text) + "\n")
    elif kind == "while":
        _run_while(session, node, arguments, from_tty)
    elif kind == "if":
        chosen = node.body if _holds(session, node, arguments) else node.other
        run_all(session, chosen, arguments, from_tty)
    elif kind == "commands":
        raise error("No breakpoints specified.")
    elif node.line == "loop_break":
        raise LoopBreakError
    elif node.line == "loop_continue":
        raise LoopContinueError
    else:
        from .execute import run_line

        line = node.line if arguments is None else arguments.put_into(node.line)
        run_line(session, line, from_tty)


def run_all(
    session: Session,
    nodes: list[Node],
    arguments: Arguments | None,
    from_tty: bool,
) -> None:
    for node in nodes:
        run_node(session, node, arguments, from_tty)


def _holds(session: Session, node: Node, arguments: Arguments | None) -> bool:
    from .evaluate import evaluate

    match = _WORD.match(node.line)
    condition = match[2] if match else ""
    if not condition.strip():
        raise error("if/while commands require arguments.")
    if arguments is not None:
        condition = arguments.put_into(condition)
    return bool(evaluate(session, condition))


def _run_while(
    session: Session, node: Node, arguments: Arguments | None, from_tty: bool
) -> None:
    while _holds(session, node, arguments):
        try:
            run_all(session, node.body, arguments, from_tty)
        except LoopBreakError:
            break
        except LoopContinueError:
            continue


def define(session: Session, node: Node) -> None:
    """Make the command that a ``define`` block is about."""
    name = node.line.split(None, 1)[1].strip() if " " in node.line else ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+( +[A-Za-z0-9_.-]+)*", name):
        raise error("Argument required (name of command to define).")
    old = (session.root.children or {}).get(name)
    if name.startswith(("hook-", "hookpost-")):
        session.hooks[name] = node.body
        return

    def call(text: str, from_tty: bool) -> None:
        if session.call_depth >= _MAX_DEPTH // 8:
            raise error("Max user call depth exceeded -- command aborted.")
        session.call_depth += 1
        try:
            run_all(session, node.body, Arguments(text), from_tty)
        finally:
            session.call_depth -= 1

    doc = old.doc if old is not None and old.run_by_user else "User-defined."
    try:
        entry = session.root.add(name, call, doc)
    except RuntimeError as reason:
        raise error(str(reason)) from None
    entry.run_by_user = True


def _document(session: Session, node: Node) -> None:
    name = node.line.split(None, 1)[1].strip() if " " in node.line else ""
    entry = _exact(session, name)
    if entry is None:
        raise error(f'Undefined command: "{name}".  Try "help".')
    if not entry.run_by_user:
        raise error("You can only document user-defined commands.")
    entry.doc = "\n".join(line.strip("\r\n") for line in node.text)


def _exact(session: Session, name: str) -> Entry | None:
    entry = session.root
    for word in name.split():
        try:
            entry = entry.child(word)
        except RuntimeError:
            return None
    return entry if name else None


def run_python(session: Session, source: str) -> None:
    """Run Python as GDB does: in ``__main__``, with ``gdb`` there."""
    names = python_names()
    try:
        exec(compile(source, "<string>", "exec", dont_inherit=True), names)
    except Exception as reason:
        raise python_error(reason, "while executing Python code") from None


def python_names() -> dict[str, Any]:
    """The names that GDB's Python commands see."""
    import importlib

    import __main__

    kept = current().names
    names = vars(__main__) if kept is None else kept
    names.setdefault("gdb", importlib.import_module("gdb"))
    names.setdefault("os", importlib.import_module("os"))
    names.setdefault("sys", importlib.import_module("sys"))
    return names


def python_error(reason: Exception, doing: str = "occurred in Python") -> Exception:
    """What a failure of a script's Python is to the commands around it.

    GDB prints the exception, and then its own line, unless the script meant only the
    line: then it raised ``gdb.GdbError``.
    """
    import sys

    if isinstance(reason, GdbError):
        return error(str(reason))
    if isinstance(reason, LoopBreakError | LoopContinueError | PythonError):
        return reason
    how = current().settings["python print-stack"]
    current().flush()
    if how == "full" or (how == "message" and doing.startswith("while")):
        print(user_traceback(reason), end="", file=sys.stderr)
    elif how == "message":
        kind = type(reason)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        print(f"Python Exception <class '{name}'>: {reason}", file=sys.stderr)
    if doing.startswith("while") or not str(reason):
        return PythonError(f"Error {doing}.")
    return PythonError(f"Error {doing}: {reason}")


def user_traceback(reason: Exception) -> str:
    """A traceback without the frames of this package, and of what they run in."""
    import contextlib
    import os
    import traceback

    told = traceback.TracebackException.from_exception(reason)
    home = os.path.dirname(os.path.abspath(__file__)) + os.sep
    frames = [
        each
        for each in told.stack
        if not each.filename.startswith(home) and each.filename != contextlib.__file__
    ]
    told.stack = traceback.StackSummary.from_list(frames)
    return "".join(told.format(chain=False))


class PythonError(error):
    """A failure of a script's Python that was printed before."""
