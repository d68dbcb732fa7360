"""The shell syntax of commands: words, redirections and pipelines."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from .errors import SEVERAL_ERRORS, CommandExitStatusError

T = TypeVar("T")

RedirectOp = Literal["<", ">", ">>"]

_SPACE = re.compile(r"(?:\s+|(?<!\S)#.*)*")
_AFTER_OPERATOR = re.compile(r"(?:\s+|#.*)*")
_WORD = re.compile(
    r"""(?:[^\s'"\\<>|&;()`] | \\[^\n] | '[^']*' | "(?:[^"\\]|\\.)*")+""",
    re.VERBOSE | re.DOTALL,
)
_REDIRECTION = re.compile(r"(\d*)(>>|<|>)")
_QUOTED = re.compile(r"""'([^']*)' | "((?:[^"\\]|\\.)*)" | \\([^\n])""", re.X | re.S)
_MODES = {"<": "r", ">": "w", ">>": "a"}


class ShellRedirection(NamedTuple):
    """``fd`` is opened from or to ``path``."""

    fd: int
    op: RedirectOp
    path: str


@dataclass(frozen=True)
class ParsedCommand(Generic[T]):
    """The text after a command's name, taken apart.

    ``pipeline`` is the shell code after the first ``|``, None without one.
    """

    args: T
    redirections: Sequence[ShellRedirection] = ()
    pipeline: str | None = None


def _unquote_match(match: re.Match[str]) -> str:
    single, double, escaped = match.groups()
    if single is not None:
        return single
    if double is not None:
        # Within double quotes a backslash escapes these four and newline only.
        return re.sub(r'\\([$`"\\\n])', r"\1", double)
    return escaped


def unquote_shell_word(word: str) -> str:
    """Remove the quotes and escapes of a word as a shell would."""
    return _QUOTED.sub(_unquote_match, word)


def split_command(source: str) -> tuple[str, str]:
    """The name that a command line begins with, and the rest of the line.

    Raises SyntaxError if there is no name.
    """
    match = _WORD.match(source := source.lstrip())
    if match is None:
        raise SyntaxError("expected command name")
    return unquote_shell_word(match[0]), source[match.end() :].lstrip()


def parse_shell_command(
    source: str, unquote: bool = True
) -> ParsedCommand[Sequence[str]]:
    """Take apart arguments, redirections and a pipeline.

    ``unquote`` says whether the arguments lose their quotes. Raises SyntaxError
    for what is not understood, such as ``&``, ``;`` or an open quote.
    """
    args: list[str] = []
    redirections: list[ShellRedirection] = []
    pipeline = None
    position = 0
    while True:
        position = _skip_space(source, position)
        if position == len(source):
            break
        if source[position] == "|":
            pipeline = source[position + 1 :].strip()
            if not pipeline:
                raise SyntaxError("unexpected end of input")
            break
        if match := _REDIRECTION.match(source, position):
            position = _skip_space(source, match.end(), _AFTER_OPERATOR)
            if another := _REDIRECTION.match(source, position):
                raise SyntaxError(f"unexpected {another[0]!r}")
            path, position = _word(source, position)
            fd = int(match[1]) if match[1] else int(match[2] != "<")
            op: Any = match[2]
            redirections.append(ShellRedirection(fd, op, unquote_shell_word(path)))
        else:
            word, position = _word(source, position)
            args.append(unquote_shell_word(word) if unquote else word)
    return ParsedCommand(args, redirections, pipeline)


def _skip_space(source: str, position: int, space: re.Pattern[str] = _SPACE) -> int:
    match = space.match(source, position)
    assert match is not None
    return match.end()


def _word(source: str, position: int) -> tuple[str, int]:
    match = _WORD.match(source, position)
    if match is None:
        if position == len(source):
            raise SyntaxError("unexpected end of input")
        raise SyntaxError(f"unexpected {source[position]!r}")
    return match[0], match.end()


@contextmanager
def shell_output(parsed: ParsedCommand[Any]) -> Iterator[None]:
    """Send what is printed meanwhile through the redirections and pipeline.

    Raises CommandExitStatusError if the pipeline fails, OSError if a file cannot
    be opened, an ExceptionGroup if there was another error before the pipeline failed.
    """
    if not parsed.redirections and parsed.pipeline is None:
        yield
        return
    for fd, op, _ in parsed.redirections:
        way, known = ("input", (0,)) if op == "<" else ("output", (1, 2))
        if fd not in known:
            raise NotImplementedError(f"redirecting {way} fd {fd} is not supported")
    with ExitStack() as stack:
        if parsed.pipeline is not None:
            stack.enter_context(_pipe_to(parsed.pipeline))
        for fd, op, path in parsed.redirections:
            file = stack.enter_context(open(path, _MODES[op]))
            stack.enter_context(_replaced(fd, file))
        yield


@contextmanager
def _pipe_to(pipeline: str) -> Iterator[None]:
    import subprocess

    sys.stdout.flush()
    process = subprocess.Popen(
        ["/bin/sh", "-c", "--", pipeline], stdin=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    failure: Exception | None = None
    try:
        with _replaced(1, process.stdin):
            try:
                yield
            except BrokenPipeError:
                raise
            except Exception as error:
                failure = error
    except BrokenPipeError:
        pass  # As with head: the reader has seen enough.
    finally:
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        status = process.wait()
    errors = [] if failure is None else [failure]
    if status and status != -signal.SIGPIPE:
        errors.append(CommandExitStatusError(pipeline, status))
    if len(errors) > 1:
        raise ExceptionGroup(SEVERAL_ERRORS, errors)
    if errors:
        raise errors[0]


@contextmanager
def _replaced(fd: int, file: Any) -> Iterator[None]:
    """Let a standard stream be ``file`` for Python and for child processes."""
    name = ("stdin", "stdout", "stderr")[fd]
    old = getattr(sys, name)
    if fd:
        old.flush()
    saved = os.dup(fd)
    os.dup2(file.fileno(), fd)
    setattr(sys, name, file)
    try:
        yield
    finally:
        try:
            if fd:
                file.flush()
        finally:
            setattr(sys, name, old)
            os.dup2(saved, fd)
            os.close(saved)
