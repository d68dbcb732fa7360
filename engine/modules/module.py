"""Modules: the executable, libraries, kernel modules and other files of a program."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .. import log
from ..arguments import buffer_bytes, path_argument, uint64
from ..closed import ApiClass, closed, not_constructible
from ..elf.constants import AT_PHDR, ET_REL
from .bias import bias_of_dynamic, bias_of_headers, bias_of_start
from .file_status import (
    ModuleFileStatus,
    SupplementaryFileKind,
    WantedSupplementaryFile,
    changed_status,
)
from .placement import Bias, NotPlaced, Placement, SectionPlacement
from .section_addresses import ModuleSectionAddresses

if TYPE_CHECKING:
    from ..arguments import Path
    from ..dwarf.file import DwarfFile
    from ..elf.file import ElfFile
    from ..objects.object import Object
    from ..program import Program
    from ..symbols.finder import ModuleSymbols

_UINT64_MAX = 2**64 - 1


@not_constructible
class Module(metaclass=ApiClass):
    """Something with code and data in a program, and the files that describe it.

    The *loaded file* is what the program runs, the *debug file* has its debugging
    information; they may be one and the same.
    """

    __slots__ = (
        "__weakref__",
        "_build_id",
        "_debug_file",
        "_debug_file_bias",
        "_debug_file_status",
        "_dwarf",
        "_key",
        "_loaded_file",
        "_loaded_file_bias",
        "_loaded_file_status",
        "_name",
        "_object",
        "_pending",
        "_placement",
        "_prog",
        "_ranges",
        "_supplementary_file",
        "_symbols",
    )

    _is_where_its_file_says: ClassVar[bool] = False
    """Whether the first and last segments of a file are the module's range."""

    def __init__(self, prog: Program, name: str, key: int) -> None:
        self._prog = prog
        self._name = name
        self._key = key
        self._object: Object | None = None
        self._ranges: tuple[tuple[int, int], ...] | None = None
        self._build_id: bytes | None = None
        self._loaded_file: ElfFile | None = None
        self._loaded_file_bias: int | None = None
        self._loaded_file_status = ModuleFileStatus.WANT
        self._debug_file: ElfFile | None = None
        self._debug_file_bias: int | None = None
        self._debug_file_status = ModuleFileStatus.WANT
        self._supplementary_file: ElfFile | None = None
        # A debug file that waits for its supplementary file, and what it wants.
        self._pending: tuple[ElfFile, int, WantedSupplementaryFile] | None = None
        self._dwarf: DwarfFile | None = None
        self._symbols: ModuleSymbols | None = None
        # Of the debug file, else of the loaded file.
        self._placement: Placement = Bias(0, self)

    def __repr__(self) -> str:
        return f"prog.{type(self)._function()}(name={self._name!r}{self._repr_key()})"

    @classmethod
    def _function(cls) -> str:
        """The method of Program that finds modules of this kind."""
        raise NotImplementedError

    def _repr_key(self) -> str:
        return ""

    def _description(self) -> str:
        """How log messages tell of this module when it is new."""
        raise NotImplementedError

    @property
    def prog(self) -> Program:
        """The program that this module is from."""
        return self._prog

    @property
    def name(self) -> str:
        """The name; what it is depends on the kind of module."""
        return self._name

    @property
    def object(self) -> Object:
        """``struct module *`` of a kernel module; else absent, unless it was set."""
        if self._object is None:
            from ..language.language import Language
            from ..objects.object import Object

            void = self._prog.void_type(language=Language.C)
            self._object = Object._absent(void)
        return self._object

    @object.setter
    def object(self, value: Object) -> None:
        from ..objects.object import Object

        if not isinstance(value, Object):
            raise TypeError("object must be a drgn.Object")
        if value.prog_ is not self._prog:
            raise ValueError("objects are from different programs")
        self._object = value

    # Addresses.

    @property
    def address_range(self) -> tuple[int, int] | None:
        """Where the module is loaded: first address and end.

        None if it is not known, (0, 0) if it is not loaded. Raises ValueError if
        there is more than one range.
        """
        if self._ranges is None:
            return None
        if len(self._ranges) > 1:
            raise ValueError("module has multiple address ranges")
        return self._ranges[0] if self._ranges else (0, 0)

    @address_range.setter
    def address_range(self, value: tuple[int, int] | None) -> None:
        if value is None:
            self._prog._modules.set_ranges(self, None)
            return
        start, end = _range(value, "address_range must be None or (int, int)")
        self._prog._modules.set_ranges(self, [(start, end)] if start or end else [])

    @property
    def address_ranges(self) -> Sequence[tuple[int, int]] | None:
        """All ranges of addresses where the module is loaded, ascending.

        None if they are not known. Setting them raises ValueError if a range is
        empty or overlaps another one or that of another module.
        """
        return self._ranges

    @address_ranges.setter
    def address_ranges(self, value: Sequence[tuple[int, int]] | None) -> None:
        if value is None:
            self._prog._modules.set_ranges(self, None)
            return
        what = "address_ranges must None or sequence of (int, int)"
        self._prog._modules.set_ranges(self, [_range(item, what) for item in value])

    def _to_file(self, address: int) -> int | None:
        """The file address of an address; None if no section is loaded there."""
        return self._placement.to_file(address)

    def _to_address(self, file_address: int) -> int | None:
        """The address of a file address; None if its section is not loaded.

        Only relocatable files have sections that are not loaded.
        """
        return self._placement.to_address(file_address)

    def _to_code(self, file_address: int) -> int | None:
        """The address of the code of a file address; None if it is not loaded."""
        return self._placement.to_code(file_address)

    def _placement_of(self, file: ElfFile) -> Placement:
        """Where the file addresses of one of the module's files are."""
        if file.type == ET_REL:
            return NotPlaced(file)
        bias = self._loaded_file_bias
        if file is self._debug_file:
            bias = self._debug_file_bias
        return Bias(bias or 0, self)

    def _bias_of(self, file: ElfFile) -> int | None:
        """What to add to addresses in a file; None, with a message, if unknown."""
        return 0

    # Files.

    @property
    def build_id(self) -> bytes | None:
        """What identifies the files of this module, None if it is not known."""
        return self._build_id

    @build_id.setter
    def build_id(self, value: bytes | None) -> None:
        if value is None:
            self._build_id = None
            return
        build_id = buffer_bytes(value)
        if not build_id:
            raise ValueError("build ID cannot be empty")
        self._build_id = build_id

    @property
    def loaded_file_status(self) -> ModuleFileStatus:
        """Whether there is a loaded file, or one is wanted."""
        return self._loaded_file_status

    @loaded_file_status.setter
    def loaded_file_status(self, value: ModuleFileStatus) -> None:
        self._loaded_file_status = changed_status(
            "loaded_file_status", self._loaded_file_status, value
        )

    @loaded_file_status.deleter
    def loaded_file_status(self) -> None:
        raise AttributeError("can't delete 'loaded' attribute")

    @property
    def loaded_file_path(self) -> str | None:
        """Absolute path of the loaded file, if there is one."""
        return None if self._loaded_file is None else self._loaded_file.path

    @property
    def loaded_file_bias(self) -> int | None:
        """What to add to an address in the loaded file, if there is one."""
        return self._loaded_file_bias

    @property
    def debug_file_status(self) -> ModuleFileStatus:
        """Whether there is a debug file, or one is wanted."""
        return self._debug_file_status

    @debug_file_status.setter
    def debug_file_status(self, value: ModuleFileStatus) -> None:
        self._debug_file_status = changed_status(
            "debug_file_status", self._debug_file_status, value
        )
        if self._debug_file_status is not ModuleFileStatus.WANT_SUPPLEMENTARY:
            self._pending = None

    @debug_file_status.deleter
    def debug_file_status(self) -> None:
        raise AttributeError("can't delete 'debug' attribute")

    @property
    def debug_file_path(self) -> str | None:
        """Absolute path of the debug file, if there is one."""
        return None if self._debug_file is None else self._debug_file.path

    @property
    def debug_file_bias(self) -> int | None:
        """What to add to an address in the debug file, if there is one."""
        return self._debug_file_bias

    @property
    def supplementary_debug_file_kind(self) -> SupplementaryFileKind | None:
        """The kind of supplementary file, None if there is none."""
        if self._supplementary_file is None:
            return None
        return SupplementaryFileKind.GNU_DEBUGALTLINK

    @property
    def supplementary_debug_file_path(self) -> str | None:
        """Absolute path of the supplementary file, if there is one."""
        if self._supplementary_file is None:
            return None
        return self._supplementary_file.path

    def wants_loaded_file(self) -> bool:
        """Whether a loaded file is wanted."""
        return self._loaded_file_status is ModuleFileStatus.WANT

    def wants_debug_file(self) -> bool:
        """Whether a debug file, or a supplementary one, is wanted."""
        return (
            self._debug_file_status is ModuleFileStatus.WANT
            or self._debug_file_status is ModuleFileStatus.WANT_SUPPLEMENTARY
        )

    def wanted_supplementary_debug_file(self) -> WantedSupplementaryFile:
        """Which supplementary file is wanted; ValueError if none is."""
        if self._pending is None:
            raise ValueError("module does not want supplementary debug file")
        return self._pending[2]

    def try_file(self, path: Path, *, fd: int = -1, force: bool = False) -> None:
        """Use a file if it is wanted and belongs to this module.

        It belongs if its build ID is the module's, or with ``force`` always. ``fd``
        is the file if it is already open; it is closed in any case. A file that is
        no good is ignored; that it was is logged.
        """
        from .files import try_provided_file

        try_provided_file(self, path_argument(path), operator.index(fd), bool(force))

    def _has_file(self) -> bool:
        return self._loaded_file is not None or self._debug_file is not None


@closed
class MainModule(Module):
    """The executable of a process or the kernel."""

    __slots__ = ()

    _is_where_its_file_says = True

    @classmethod
    def _function(cls) -> str:
        return "main_module"

    def _description(self) -> str:
        return f"main module {self._name}"

    def _bias_of(self, file: ElfFile) -> int | None:
        if self._prog._kernel is not None:
            bias = self._prog._kernel.vmcoreinfo.kaslr_offset
            log.debug("got bias %#x from VMCOREINFO", bias)
            return bias
        target = self._prog._target
        headers = 0 if target is None else target.auxv().get(AT_PHDR, 0)
        return bias_of_headers(file, headers)


class _Dynamic:
    """What modules with a dynamic section have."""

    __slots__ = ()

    _is_where_its_file_says = True
    _key: int

    @property
    def dynamic_address(self) -> int:
        """The address of the dynamic section."""
        return self._key

    def _repr_key(self) -> str:
        return f", dynamic_address={self._key:#x}"

    def _bias_of(self, file: ElfFile) -> int | None:
        return bias_of_dynamic(file, self._key)


@closed
class SharedLibraryModule(_Dynamic, Module):
    """A shared library."""

    __slots__ = ()

    @classmethod
    def _function(cls) -> str:
        return "shared_library_module"

    def _description(self) -> str:
        return f"shared library module {self._name}@{self._key:#x}"


@closed
class VdsoModule(_Dynamic, Module):
    """The shared library that the kernel puts into every process."""

    __slots__ = ()

    @classmethod
    def _function(cls) -> str:
        return "vdso_module"

    def _description(self) -> str:
        return f"vDSO module {self._name}@{self._key:#x}"


@closed
class RelocatableModule(Module):
    """A relocatable file, such as a kernel module, loaded at ``address``."""

    __slots__ = ("_read_sections", "_section_addresses")

    def __init__(self, prog: Program, name: str, key: int) -> None:
        super().__init__(prog, name, key)
        self._section_addresses = ModuleSectionAddresses(self)
        # What fills them when they are first asked for.
        self._read_sections: Callable[[ModuleSectionAddresses], None] | None = None

    @classmethod
    def _function(cls) -> str:
        return "relocatable_module"

    def _description(self) -> str:
        return f"relocatable module {self._name}@{self._key:#x}"

    def _repr_key(self) -> str:
        return f", address={self._key:#x}"

    def _placement_of(self, file: ElfFile) -> Placement:
        if file.type == ET_REL and self.section_addresses:
            return SectionPlacement(file, self.section_addresses)
        return super()._placement_of(file)

    @property
    def address(self) -> int:
        """The address that identifies the module."""
        return self._key

    @property
    def section_addresses(self) -> ModuleSectionAddresses:
        """Where the sections are; cannot be changed once there is a file."""
        read, self._read_sections = self._read_sections, None
        if read is not None:
            read(self._section_addresses)
        return self._section_addresses


@closed
class ExtraModule(Module):
    """A module that the user made, for debugging information of their own."""

    __slots__ = ()

    @classmethod
    def _function(cls) -> str:
        return "extra_module"

    def _description(self) -> str:
        return f"extra module {self._name} {self._key:#x}"

    def _repr_key(self) -> str:
        return f", id={self._key:#x}"

    def _bias_of(self, file: ElfFile) -> int | None:
        if file.type != ET_REL and self._ranges is not None and len(self._ranges) == 1:
            return bias_of_start(file, self._ranges[0][0])
        return 0

    @property
    def id(self) -> int:
        """The number that the user gave it."""
        return self._key


def _range(value: Any, message: str) -> tuple[int, int]:
    """Check the type of a pair of addresses."""
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(message)
    return uint64(value[0]), uint64(value[1])
