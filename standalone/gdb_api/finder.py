"""``import gdb`` for scripts of the standalone host.

The finder stands behind all others, so that inside GDB, or where a package of this name
is installed, that one is found. It costs nothing until ``gdb`` is imported.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PARTS = {
    "gdb.events": "events",
    "gdb.printing": "printing",
    "gdb.types": "gdb_types",
    "gdb.FrameDecorator": "frame_decorator",
    "gdb.FrameIterator": "frame_decorator",
    "gdb.frames": "frame_decorator",
    "gdb.unwinder": "unwinder",
    "gdb.xmethod": "xmethod",
    "gdb.prompt": "prompt_text",
}


class GdbFinder:
    """Finds the module and its parts in this package."""

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        """The spec of ``gdb`` or a part of it; None of other names."""
        if name != "gdb" and name not in _PARTS:
            return None
        return ModuleSpec(name, self, is_package=name == "gdb")  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """A part of the package is the module itself."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module with the names that it has in GDB."""
        from importlib import import_module

        if module.__name__ == "gdb":
            from .module import names

            vars(module).update(names())
            return
        part = import_module(f"{__package__}.{_PARTS[module.__name__]}")
        public = getattr(part, "__all__", None) or [
            name for name in vars(part) if not name.startswith("_")
        ]
        vars(module).update({name: getattr(part, name) for name in public})


def install() -> None:
    """Let ``import gdb`` find this package's."""
    if not any(isinstance(each, GdbFinder) for each in sys.meta_path):
        sys.meta_path.append(GdbFinder())
