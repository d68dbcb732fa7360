"""Running a script in the namespace of its caller."""

from __future__ import annotations

import io
import sys
from types import CodeType, ModuleType
from typing import Any

#: What a script has for itself, and its caller keeps.
_OWN = (
    "__cached__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__spec__",
)

running: list[dict[str, Any]] = []
"""The namespaces of the scripts that run now, in which hosts keep ``prog`` current."""


def execscript(path: str, *args: str, globals: dict[str, Any] | None = None) -> None:
    """Execute the script at ``path`` with ``args`` as ``sys.argv[1:]``.

    It runs as the module ``__main__`` and sees ``globals``, by default the caller's.
    What it defines is added to them, and what it deletes is gone, also if it raises.
    """
    if globals is None:
        globals = sys._getframe(1).f_globals
    code = _code_of(path)
    module = ModuleType("__main__")
    names = _names_of(module, globals)
    names.update(dict.fromkeys(_OWN), __file__=path, __name__="__main__")
    old_argv, old_main = sys.argv, sys.modules["__main__"]
    try:
        sys.argv = [path, *args]
        sys.modules["__main__"] = module
        running.append(names)
        exec(code, names)
    finally:
        running[:] = [each for each in running if each is not names]
        sys.argv = old_argv
        sys.modules["__main__"] = old_main
        for name in globals.keys() - names.keys():
            del globals[name]
        for name in _OWN:
            names.pop(name, None)
        globals.update(names)


def _code_of(path: str) -> CodeType:
    with io.open_code(path) as script:
        source = script.read()
    if b"\0" in source:  # Python may have compiled it.
        from pkgutil import read_code

        file = io.BytesIO(source)
        code: CodeType | None = read_code(file)
        if code is not None:
            return code
    return compile(source, path, "exec", dont_inherit=True)


def _names_of(module: ModuleType, globals: dict[str, Any]) -> dict[str, Any]:
    """A copy of a namespace that is, or stands for, a module's own."""
    if type(globals) is dict:
        names = vars(module)
        names.update(globals)
        return names
    # It may know names that it does not hold, which a module's dict could not.
    names = globals.copy()

    def attribute(name: str) -> Any:
        try:
            return names[name]
        except KeyError:
            raise AttributeError(
                f"module '__main__' has no attribute {name!r}"
            ) from None

    vars(module)["__getattr__"] = attribute
    return names
