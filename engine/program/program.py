"""A Program: a target seen through debugging information."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..arguments import class_label
from ..closed import ApiClass, closed
from ..dwarf.info import DebugInfo
from ..flags import ProgramFlags
from ..language.language import Language
from ..memory.memory import Memory
from ..modules.options import DebugInfoOptions
from ..modules.set import ModuleSet
from ..objects.object import Object
from ..platform import Platform
from ..plugins import call_hooks
from ..types.factory import TypeFactory
from .control import Control
from .debug_info import DebugInfoAccess
from .finders import FinderRegistry
from .lookups import Lookups
from .memory_access import MemoryAccess
from .threads_api import ThreadAccess
from .type_constructors import TypeConstructors

if TYPE_CHECKING:
    import numpy as np

    from ..arguments import Path
    from ..kernel.state import KernelState
    from ..modules.module import Module
    from ..symbols.symbol import Symbol
    from ..targets.base import Target
    from ..types.type import Type

_INT_MAX = 2**31 - 1
_LONG_MAX = 2**63 - 1


@closed
class Program(
    Lookups,
    MemoryAccess,
    TypeConstructors,
    DebugInfoAccess,
    ThreadAccess,
    Control,
    metaclass=ApiClass,
):
    """A crashed or running program.

    ``platform`` None means that of the core dump or of the first file with
    debugging information. ``vmcoreinfo`` replaces what a kernel dump says of
    itself; BadDataError if it cannot be parsed.
    """

    __slots__ = (
        "__weakref__",
        "_code",
        "_debug",
        "_debug_info_finders",
        "_debug_info_options",
        "_flags",
        "_found_objects",
        "_found_types",
        "_kernel",
        "_language",
        "_memory",
        "_missing_types",
        "_modules",
        "_object_finders",
        "_platform",
        "_symbol_finders",
        "_target",
        "_type_finders",
        "_type_memo",
        "_types",
        "_vmcoreinfo",
        "cache",
        "config",
    )

    cache: dict[Any, Any]
    """For whatever helpers want to remember about this program."""
    config: dict[str, Any]
    """Settings of commands and plugins."""

    def __init__(
        self,
        platform: Platform | None = None,
        *,
        vmcoreinfo: bytes | str | None = None,
    ) -> None:
        if platform is not None and not isinstance(platform, Platform):
            raise TypeError("platform must be Platform or None")
        self.cache = {}
        self.config = {}
        self._flags = ProgramFlags(0)
        self._platform: Platform | None = None
        self._language: Language | None = None
        self._target: Target | None = None
        self._kernel: KernelState | None = None
        self._vmcoreinfo = _vmcoreinfo_bytes(vmcoreinfo)
        self._memory = Memory()
        self._types = TypeFactory(self)
        self._modules = ModuleSet(self)
        self._debug = DebugInfo(self)
        self._code = None
        self._debug_info_options = DebugInfoOptions()
        self._type_memo = {}
        self._missing_types = {}
        self._found_types = {}
        self._found_objects = {}
        self._register_own_finders()
        if platform is not None:
            self._set_platform(platform)

    def _register_own_finders(self) -> None:
        self._type_finders = FinderRegistry("type")
        self._object_finders = FinderRegistry("object")
        self._symbol_finders = FinderRegistry("symbol")
        self._debug_info_finders = FinderRegistry("debug_info", "module debug info")
        debug = self._debug
        self._type_finders.register(
            "dwarf", lambda prog, *args: debug.find_type(*args), 0, static=True
        )
        self._object_finders.register(
            "dwarf", lambda prog, *args: debug.find_object(*args), 0, static=True
        )
        self._symbol_finders.register("elf", _elf_symbols, 0)
        self._debug_info_finders.register("standard", self._standard_finder, 0)
        self._debug_info_finders.register("debuginfod", _debuginfod_finder, 1)
        self._type_finders.on_change = self._forget_found
        self._object_finders.on_change = self._forget_found

    def _standard_finder(self, modules: Sequence[Module]) -> None:
        self.find_standard_debug_info(modules)

    # What kind of program it is.

    @property
    def flags(self) -> ProgramFlags:
        """What kind of program this is."""
        return self._flags

    @property
    def platform(self) -> Platform | None:
        """The platform of the program, None while it is not known."""
        return self._platform

    def _set_platform(self, platform: Platform | None) -> None:
        """Set the platform if it is not known yet."""
        if self._platform is None and platform is not None:
            self._platform = platform
            self._memory.set_platform(platform)
            self._forget_lookups()

    @property
    def language(self) -> Language:
        """The language of lookups and of types that are made without one.

        That of ``main`` in the debugging information, else C, unless it was set.
        """
        if self._language is None:
            return self._debug.main_language() or Language.C
        return self._language

    @language.setter
    def language(self, language: Language) -> None:
        if not isinstance(language, Language):
            raise TypeError("language must be Language")
        self._language = language
        self._forget_found()

    @property
    def core_dump_path(self) -> str | None:
        """Path of the core dump, absolute, without links; None if there is none.

        The running kernel's is ``/proc/kcore``.
        """
        return None if self._target is None else self._target.path

    # Targets.

    def _check_no_target(self) -> None:
        if self._target is not None or not self._memory.is_empty():
            raise ValueError("program memory was already initialized")

    def set_core_dump(self, path: Path | int) -> None:
        """Open a core dump by its path or file descriptor.

        ELF cores of processes and kernels and kdump files are known, and
        ``/proc/kcore``. Raises OSError, or ValueError for another file.
        """
        from ..targets.open import open_core

        # What has an __index__, as an Object has, is a file descriptor.
        if hasattr(type(path), "__index__"):
            path = operator.index(path)  # type: ignore[arg-type]
            if path < 0:
                raise ValueError("fd is negative")
            if path > _INT_MAX:
                raise OverflowError("fd is greater than maximum")
        elif not isinstance(path, int):
            path = os.fspath(path)
        self._check_no_target()
        target = open_core(path)
        if target.path is not None:
            # The working directory may change.
            target.path = os.path.realpath(target.path)
        self._set_target(target)

    def set_kernel(self) -> None:
        """Debug the running kernel (needs root)."""
        self._check_no_target()
        from ..targets.kcore import open_kernel

        self._set_target(open_kernel())

    def set_pid(self, pid: SupportsIndex) -> None:
        """Debug a running process by its ID."""
        from ..targets.process import ProcessTarget

        pid = operator.index(pid)
        if not -_LONG_MAX - 1 <= pid <= _LONG_MAX:
            raise OverflowError("Python int too large to convert to C long")
        if pid > _INT_MAX:
            raise OverflowError("signed integer is greater than maximum")
        if pid < -_INT_MAX - 1:
            raise OverflowError("signed integer is less than minimum")
        self._check_no_target()
        self._set_target(ProcessTarget(pid))

    def set_qemu_qmp(self, address: str | int) -> None:
        """Debug the kernel of a QEMU guest through its QMP socket.

        ``address`` is the path of a UNIX socket, ``host:port`` or a port.
        """
        self._check_no_target()
        from ..targets.qemu import QemuTarget

        self._set_target(QemuTarget(address))

    def set_linux_kernel_custom(self, vmcoreinfo: str | bytes, is_live: bool) -> None:
        """Debug a Linux kernel whose memory the user's segments read."""
        from ..targets.custom import CustomKernelTarget

        raw, is_live = _buffer(vmcoreinfo, "set_linux_kernel_custom", 1), bool(is_live)
        self._check_no_target()
        target = CustomKernelTarget(raw, is_live, self._platform)
        self._set_target(target)

    def _set_target(self, target: Target) -> None:
        """Look at ``target`` from now on."""
        if self._vmcoreinfo is None:
            vmcoreinfo = target.vmcoreinfo
        else:
            vmcoreinfo = self._vmcoreinfo
        self._set_platform(target.platform)
        if target.flags & ProgramFlags.IS_LINUX_KERNEL:
            from ..kernel.state import KernelState

            # Parsed before anything changes, so that a bad one leaves no trace.
            kernel = KernelState(self, target, vmcoreinfo)
            target.attach(self._memory)
            self._target = target
            self._flags |= target.flags
            self._kernel = kernel
            # debuginfod servers have few kernels and send all of a vmlinux.
            self.set_enabled_debug_info_finders(
                [
                    name
                    for name in self.enabled_debug_info_finders()
                    if name != "debuginfod"
                ]
            )
            kernel.attach()
        else:
            target.attach(self._memory)
            self._target = target
            self._flags |= target.flags
        call_hooks("drgn_prog_set", self)

    # Hooks of Type.dtype and Object.to_numpy(), so that numpy comes when it is used.

    def _dtype_of(self, type: Type) -> np.dtype[Any]:
        from ..columns.dtype import dtype_of

        return dtype_of(type)

    def _to_numpy(self, obj: Object) -> Any:
        from ..columns.read import to_numpy

        return to_numpy(obj)


def _vmcoreinfo_bytes(vmcoreinfo: bytes | str | None) -> bytes | None:
    """VMCOREINFO as bytes; BadDataError if it is not valid."""
    if vmcoreinfo is None:
        return None
    vmcoreinfo = _buffer(vmcoreinfo, "Program", 2)
    from ..kernel.vmcoreinfo import Vmcoreinfo

    Vmcoreinfo(vmcoreinfo)
    return vmcoreinfo


def _buffer(value: Any, function: str, position: int) -> bytes:
    """The bytes of a string or of bytes, an argument of ``function``."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    try:
        memoryview(value)
    except TypeError:
        raise TypeError(
            f"a bytes-like object is required, not '{class_label(value)}'"
        ) from None
    raise TypeError(
        f"{function}() argument {position} must be read-only bytes-like object, "
        f"not {class_label(value)}"
    )


def _elf_symbols(
    prog: Program, name: str | None, address: int | None, one: bool
) -> Sequence[Symbol]:
    from ..symbols.finder import elf_symbol_finder

    return elf_symbol_finder(prog, name, address, one)


for _part in Program.__bases__:
    for _name, _function in vars(_part).items():
        if isinstance(_function, FunctionType):
            # As messages name it.
            _function.__qualname__ = f"Program.{_name}"


def _debuginfod_finder(modules: Sequence[Module]) -> None:
    from ..modules.debuginfod import debuginfod_finder

    debuginfod_finder(modules)
