"""TAB at the prompt inside GDB, whose readline asks us meanwhile.

Python's own module of readline would take it over for good. Names are those of
readline's manual (Programming with GNU Readline, Custom Completers).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_Completer = ctypes.CFUNCTYPE(
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int
)
_Generator = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)

# Attributes are completed with what they are of.
_DELIMITERS = b" \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?"


@contextmanager
def completing(complete: Callable[[str, str], Sequence[str]]) -> Iterator[None]:
    """Let TAB ask ``complete(line, word)`` meanwhile; ``line`` ends with ``word``.

    Nothing happens where GDB has a readline inside itself.
    """
    library = ctypes.CDLL(None)
    try:
        changes: dict[str, Any] = {
            "rl_attempted_completion_function": _asking(library, complete),
            "rl_completer_word_break_characters": ctypes.c_char_p(_DELIMITERS),
            "rl_completion_word_break_hook": None,
            "rl_completer_quote_characters": None,
            "rl_completion_display_matches_hook": None,
        }
        places = {name: ctypes.c_void_p.in_dll(library, name) for name in changes}
    except (ValueError, AttributeError):
        yield
        return
    old = {name: place.value for name, place in places.items()}
    for name, value in changes.items():
        places[name].value = ctypes.cast(value, ctypes.c_void_p).value
    try:
        yield
    finally:
        for name, place in places.items():
            place.value = old[name]


def _asking(
    library: ctypes.CDLL, complete: Callable[[str, str], Sequence[str]]
) -> ctypes._FuncPointer:
    """A function that readline calls for what a word may be."""
    line = ctypes.c_char_p.in_dll(library, "rl_line_buffer")
    only = ctypes.c_int.in_dll(library, "rl_attempted_completion_over")
    append = ctypes.c_int.in_dll(library, "rl_completion_append_character")
    library.rl_completion_matches.restype = ctypes.c_void_p
    library.strdup.restype = ctypes.c_void_p

    def ask(word: bytes, start: int, end: int) -> int | None:
        only.value = 1  # Not names of files, if there is nothing.
        append.value = 0
        try:
            typed = (line.value or b"")[:end].decode()
            found = complete(typed, word.decode())
        except Exception:
            return None  # There is nobody to tell.
        # It is readline that frees them.
        copies = iter([library.strdup(match.encode()) for match in found])
        generator = _Generator(lambda text, state: next(copies, None))
        matches: int | None = library.rl_completion_matches(word, generator)
        return matches

    return _Completer(ask)
