"""Starting GDB with drgn in it: ``drgn gdb ARGS...`` and ``drgn --gdb-script``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def gdb_script() -> str:
    """The path of the file that GDB sources.

    It is found, not imported: it runs in GDB only.
    """
    from importlib.util import find_spec

    spec = find_spec("drgn.gdb_bridge")
    assert spec is not None and spec.submodule_search_locations
    return os.path.join(spec.submodule_search_locations[0], "drgn.py")


def launch_gdb(arguments: Sequence[str]) -> NoReturn:
    """Become GDB, with drgn loaded before what the arguments say is done.

    Exits with status 1 if there is no GDB.
    """
    early = []
    if any(_is_vmlinux(argument) for argument in arguments):
        # GDB would look for main() to know the language, which takes a second or two.
        early = ["-iex", "set language c"]
    try:
        os.execvp("gdb", ["gdb", *early, "-ex", f"source {gdb_script()}", *arguments])
    except OSError as error:
        print(f"gdb: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _is_vmlinux(argument: str) -> bool:
    return os.path.basename(argument).startswith("vmlinux") and os.path.isfile(argument)
