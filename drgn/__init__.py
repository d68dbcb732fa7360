"""drgn's API over a pure-Python, numpy-accelerated engine.

A Program is a target (a process, a core dump, a kernel) seen through its
debugging information::

    >>> prog = program_from_core_dump("vmcore")
    >>> prog["init_task"].comm
    (char [16])"swapper/0"
"""

from __future__ import annotations

import enum as _enum
import os as _os
import sys as _sys
import typing as _typing
from typing import SupportsIndex as IntegerLike

_folder = _os.path.dirname(_os.path.abspath(__file__))
if __name__ == "drgn" and not _os.path.isdir(_os.path.join(_folder, "engine")):
    # In a checkout the other packages lie beside this one (see pyproject.toml). Who
    # walks through all packages comes by this one again, as drgn.drgn.
    _root = _os.path.dirname(_folder)
    __path__ += [_root, _os.path.join(_root, "helpers")]

from drgn.engine.errors import (
    BadDataError,
    FaultError,
    MissingDebugInfoError,
    NoDefaultProgramError,
    ObjectAbsentError,
    ObjectNotFoundError,
    OutOfBoundsError,
    UnsupportedOperation,
)
from drgn.engine.filenames import filename_matches
from drgn.engine.flags import AbsenceReason, FindObjectFlags, ProgramFlags
from drgn.engine.language.language import Language
from drgn.engine.memory.search import MemorySearchIterator
from drgn.engine.modules.file_status import (
    ModuleFileStatus,
    SupplementaryFileKind,
    WantedSupplementaryFile,
)
from drgn.engine.modules.module import (
    ExtraModule,
    MainModule,
    Module,
    RelocatableModule,
    SharedLibraryModule,
    VdsoModule,
)
from drgn.engine.modules.options import DebugInfoOptions, KmodSearchMethod
from drgn.engine.objects.convert import (
    NULL,
    cast,
    container_of,
    implicit_convert,
    reinterpret,
)
from drgn.engine.objects.object import Object
from drgn.engine.platform import (
    Architecture,
    Platform,
    PlatformFlags,
    Register,
    host_platform,
)
from drgn.engine.program import Program
from drgn.engine.program.default import (
    get_default_prog,
    program_from_core_dump,
    program_from_kernel,
    program_from_pid,
    search_memory,
    search_memory_regex,
    search_memory_u16,
    search_memory_u32,
    search_memory_u64,
    search_memory_word,
    set_default_prog,
    source_location,
    stack_trace,
)
from drgn.engine.program.execscript import execscript
from drgn.engine.program.sizes import alignof, offsetof, sizeof
from drgn.engine.stack.frame import StackFrame
from drgn.engine.stack.source import SourceLocation, SourceLocationList
from drgn.engine.stack.trace import StackTrace
from drgn.engine.symbols.index import SymbolIndex
from drgn.engine.symbols.symbol import Symbol, SymbolBinding, SymbolKind
from drgn.engine.threads import Thread
from drgn.engine.types.kinds import PrimitiveType, Qualifiers, TypeKind, TypeKindSet
from drgn.engine.types.parts import (
    TypeEnumerator,
    TypeMember,
    TypeParameter,
    TypeTemplateParameter,
)
from drgn.engine.types.type import Type

if _typing.TYPE_CHECKING:
    Path = str | bytes | _os.PathLike[str] | _os.PathLike[bytes]
else:
    # isinstance() takes no parameters.
    Path = str | bytes | _os.PathLike

# Of upstream's API, by which scripts know what they may call.
__version__ = "0.3.0"

__all__ = (
    "NULL",
    "AbsenceReason",
    "Architecture",
    "BadDataError",
    "DebugInfoOptions",
    "ExtraModule",
    "FaultError",
    "FindObjectFlags",
    "IntegerLike",
    "KmodSearchMethod",
    "Language",
    "MainModule",
    "MemorySearchIterator",
    "MissingDebugInfoError",
    "Module",
    "ModuleFileStatus",
    "NoDefaultProgramError",
    "Object",
    "ObjectAbsentError",
    "ObjectNotFoundError",
    "OutOfBoundsError",
    "Path",
    "Platform",
    "PlatformFlags",
    "PrimitiveType",
    "Program",
    "ProgramFlags",
    "Qualifiers",
    "Register",
    "RelocatableModule",
    "SharedLibraryModule",
    "SourceLocation",
    "SourceLocationList",
    "StackFrame",
    "StackTrace",
    "SupplementaryFileKind",
    "Symbol",
    "SymbolBinding",
    "SymbolIndex",
    "SymbolKind",
    "Thread",
    "Type",
    "TypeEnumerator",
    "TypeKind",
    "TypeKindSet",
    "TypeMember",
    "TypeParameter",
    "TypeTemplateParameter",
    "UnsupportedOperation",
    "VdsoModule",
    "WantedSupplementaryFile",
    "alignof",
    "cast",
    "container_of",
    "execscript",
    "filename_matches",
    "get_default_prog",
    "host_platform",
    "implicit_convert",
    "offsetof",
    "program_from_core_dump",
    "program_from_kernel",
    "program_from_pid",
    "reinterpret",
    "search_memory",
    "search_memory_regex",
    "search_memory_u16",
    "search_memory_u32",
    "search_memory_u64",
    "search_memory_word",
    "set_default_prog",
    "sizeof",
    "source_location",
    "stack_trace",
)

for _name in __all__:
    _value = globals().get(_name)
    if getattr(_value, "__module__", "").startswith("drgn.engine."):
        # As texts and tracebacks have it from upstream, whose C extension that is.
        _classes = isinstance(_value, type) and not issubclass(_value, _enum.Enum)
        _value.__module__ = "_drgn" if _classes else "drgn"
# Pickles, and whatever else goes by it, find the classes there.
_sys.modules.setdefault("_drgn", _sys.modules[__name__])


if _typing.TYPE_CHECKING:
    from drgn.engine.columns.columns import columns as columns

# Scripts that upstream's command runs find them without an import.
_PACKAGES = ("cli", "commands", "helpers", "internal")


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        from importlib import import_module

        return import_module(f"drgn.{name}")
    # Columns need numpy, which a short session can do without.
    if name == "columns":
        from drgn.engine.columns.columns import columns

        return columns
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}",
        name=name,
        obj=_sys.modules[__name__],
    )
