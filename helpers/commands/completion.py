"""Completion of Python and of file names at a prompt."""

from __future__ import annotations

import ast
import glob
import os
import re
import warnings
from typing import Any

from drgn.hosts.namespace import LazyGlobals

# What an expression may be made of that Tab evaluates: no calls.
_EVALUATED = (
    ast.Expression,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Constant,
    ast.UnaryOp,
    ast.unaryop,
    ast.expr_context,
)
_LONGEST = 200


def file_completions(word: str) -> list[str]:
    """The files whose names begin with a word, directories with a slash behind them."""
    begin = os.path.expanduser(word)
    return sorted(
        word + path[len(begin) :] + ("/" if os.path.isdir(path) else "")
        for path in glob.glob(glob.escape(begin) + "*")
    )


def python_completions(line: str, names: dict[str, Any]) -> list[str]:
    """What may stand in place of the last word of a line that is being typed.

    A word is of letters, digits, underscores and dots. For the members of a value,
    names, members and subscripts that lead to it are evaluated
    (``prog["init_task"].comm.``); nothing is called. Functions come with a parenthesis.
    """
    from rlcompleter import Completer

    match = re.search(r"[\w.]*$", line)
    assert match is not None
    word = match[0]
    if "." not in word:
        if isinstance(names, LazyGlobals):
            for name in names.names():
                if name.startswith(word):
                    names[name]  # Imports it, which tells whether it is callable.
            names = names.here()
        return Completer(names).global_matches(word)
    before, _, member = line.rpartition(".")
    expression = _last_expression(before[-_LONGEST:])
    if expression is None:
        return []
    try:
        value = eval(expression, names)
    except Exception:
        return []
    owner = word.rpartition(".")[0]
    try:
        matches = Completer({"_": value}).attr_matches(f"_.{member}")
    except Exception:
        # As of a pointer that cannot be read.
        names_of = (name for name in dir(value) if member or name[0] != "_")
        matches = [f"_.{name}" for name in names_of if name.startswith(member)]
    return [owner + match.removeprefix("_") for match in matches]


def _last_expression(code: str) -> str | None:
    """The name, member or subscript that code ends in, if nothing in it is called."""
    for start in range(len(code)):
        expression = code[start:].lstrip()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(expression, mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        if isinstance(tree.body, (ast.Name, ast.Attribute, ast.Subscript)):
            known = all(isinstance(node, _EVALUATED) for node in ast.walk(tree))
            return expression if known else None
    return None
