"""Running a script in the namespace of its caller."""

from __future__ import annotations

import io
import sys
from typing import Any


def execscript(path: str, *args: str, globals: dict[str, Any] | None = None) -> None:
    """Execute the script at ``path`` with ``args`` as ``sys.argv[1:]``.

    It sees ``globals``, by default the caller's, and what it defines is added
    to them.
    """
    if globals is None:
        globals = sys._getframe(1).f_globals
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    old_argv = sys.argv
    names = globals.copy()
    names.update(__file__=path, __name__="__main__")
    try:
        sys.argv = [path, *args]
        exec(code, names)
    finally:
        sys.argv = old_argv
        for name in ("__file__", "__name__", "__builtins__"):
            names.pop(name, None)
        globals.update(names)
