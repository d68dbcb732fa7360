"""What GDB says of the program that it debugs, in GDB and from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from drgn import (
    Architecture,
    BadDataError,
    DebugInfoOptions,
    FaultError,
    Language,
    Object,
    Platform,
    PlatformFlags,
    Program,
    ProgramFlags,
    Type,
    TypeKind,
    TypeParameter,
    UnsupportedOperation,
    sizeof,
)
from drgn.linked import linked_addresses
from drgn.target import (
    PAGE_SIZE,
    Mapping,
    Memory,
    Segment,
    Target,
    TargetThread,
    function_at,
    is_prototyped,
    open_core,
    qualified_name,
)

CHUNK = 1 << 24
"""The most that GDB is asked for at once: it dies of what it cannot allocate."""

_ARCHITECTURES = {
    "i386:x86-64": Architecture.X86_64,
    "i386": Architecture.I386,
    "aarch64": Architecture.AARCH64,
    "powerpc:common64": Architecture.PPC64,
    "riscv:rv64": Architecture.RISCV64,
    "riscv:rv32": Architecture.RISCV32,
    "s390:64-bit": Architecture.S390X,
    "s390:31-bit": Architecture.S390,
    "Loongarch64": Architecture.LOONGARCH64,
}
# GDB's names of registers that DWARF calls otherwise.
_REGISTER_NAMES = {"eflags": "rflags", "fs_base": "fs.base", "gs_base": "gs.base"}

_CORE = re.compile(r"^Local core dump file:\n\t`(.*)', file type", re.M)
_AUXV = re.compile(r"^(\d+)\s.*?\s(0x[0-9a-f]+|\d+)(?: \".*\")?$", re.M)
_MAPPING = re.compile(
    r"^\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)"
    r"(?:\s+([r-][w-][x-]\S))?[ \t]*(.*?)[ \t]*$",  # GDB 16 pads lines.
    re.M,
)
_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is ", re.M)
_OWN_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x[0-9a-f]+ is [^ \n]+$", re.M)

_AT_PHDR = 3
_MASK = 2**64 - 1


def core_path(files: str) -> str | None:
    """The path of the core dump that GDB has opened, by what ``info files`` prints."""
    found = _CORE.search(files)
    return None if found is None else found[1]


class GdbProcess(Target):
    """An inferior as it is from its start, or from its exec, to its end.

    Without a process there is only what the executable file has.
    """

    pid: int
    """0 without a process."""
    executable: str | None
    kind: str | None
    """Of the connection, as ``native`` or ``core``; None without a process."""
    fault: str
    """What is wrong with an address that cannot be read."""
    running = False
    debug_directories: Sequence[str] = ()
    """Where its debugging information may be, as in ``debug-file-directory``."""
    kernel_directories: Sequence[str] = ()
    """Where modules of the kernel may be."""
    loads_files = False
    """Whether it may load files, without GDB knowing of it."""
    keeps_files = False
    """Whether GDB may forget its files and read them again, and nothing is wrong."""
    _memory: Memory | None = None

    @property
    def alive(self) -> bool:
        """Whether this still is what the inferior runs."""
        raise NotImplementedError

    def is_current(self) -> bool:
        """Whether this is what the inferior runs, of the same executable file."""
        raise NotImplementedError

    def changed(self) -> None:
        """Forget the memory that was read: it may be another now."""
        if self._memory is not None:
            self._memory.invalidate()

    def text(self, command: str) -> str:
        """What a command of GDB prints about the inferior; nothing if it fails."""
        raise NotImplementedError

    def set_kind(self, kind: str | None) -> None:
        """Take what follows from the kind of GDB's connection."""
        self.kind = kind
        self.fault = "could not read memory"
        if kind == "native":
            self.flags = ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
        elif kind not in (None, "core"):
            self.flags = ProgramFlags.IS_LIVE
        if kind == "core":
            self.path = core_path(self.text("info files"))
        if kind in (None, "core"):
            self.fault = "could not find memory segment"
            self.noun = "core dump" if kind else "program that was not started"
        else:
            self.noun = "inferior"
            self.writable = True

    @cached_property
    def _core_names(self) -> dict[int, str | None]:
        """Names of a core dump's threads, which GDB does not read."""
        try:
            threads = () if self.path is None else open_core(self.path).threads()
        except (OSError, ValueError, BadDataError):
            return {}
        return {thread.tid: thread.name for thread in threads}

    def named(
        self, tid: int, name: str | None, values: dict[str, int] | None = None
    ) -> TargetThread:
        """A thread with the name that GDB, or else the core dump, has for it."""
        if name is None:
            name = self._core_names.get(tid)
        return TargetThread(tid, name, values=values)

    def platform_of(self, architecture: str) -> Platform | None:
        """The platform of what GDB calls an architecture."""
        if not self.pid and self.executable is None:
            return None  # GDB only guesses.
        arch = _ARCHITECTURES.get(architecture)
        if arch is None and architecture.startswith("arm"):
            arch = Architecture.ARM
        if arch is None:
            return None
        flags = Platform(arch).flags & ~PlatformFlags.IS_LITTLE_ENDIAN
        if "little endian" in self.text("show endian"):
            flags |= PlatformFlags.IS_LITTLE_ENDIAN
        return Platform(arch, flags)

    def load(self, prog: Program) -> None:
        """Find what is loaded, and the debugging information of all of it.

        What has none is no error: GDB's users know of it. Raises LookupError if there
        is something else that they should know.
        """
        if self.auxv():
            modules = [module for module, _ in prog.loaded_modules()]
            prog.load_module_debug_info(*modules)
        elif self.executable is not None:
            # Its headers are not in memory: a kernel or firmware, where it is linked.
            main = prog.main_module(self.executable, create=True)
            main.try_file(self.executable)

    # What the kernel told the process.

    @cached_property
    def _auxv(self) -> dict[int, int]:
        entries = _AUXV.findall(self.text("info auxv"))
        return {int(key): int(value, 0) for key, value in entries if key != "0"}

    @cached_property
    def is_process(self) -> bool:
        """Whether it is one of an operating system.

        Then memory may be read that nobody asked for: there are no devices in it.
        """
        return self.kind in ("native", "core") or bool(self._auxv)

    def auxv(self) -> dict[int, int]:
        if not self.alive:
            return {}
        if self.pid and self._auxv:
            return self._auxv
        # No process, or one without a kernel: GDB knows where the executable lies.
        phdr = self._executable_headers()
        return {} if phdr is None else {_AT_PHDR: phdr}

    def mappings(self) -> Sequence[Mapping]:
        maps = [
            Mapping(start, end, offset, path)
            for start, end, offset, _, path in self._maps()
            if path.startswith("/")
        ]
        if not maps and self.executable is not None:
            phdr = self._executable_headers()
            if phdr is not None:
                return [Mapping(phdr, phdr + 1, 0, self.executable)]
        return maps

    def _executable_headers(self) -> int | None:
        """The address of the executable's program headers; None without one."""
        if self.executable is None:
            return None
        linked = linked_addresses(self.executable)
        # Not its entry point: GDB looks for that in the libraries of the last process.
        sections = _OWN_SECTION.findall(self.text("info files"))
        if linked is None or not sections:
            return None
        # After its end a program stays where it was, for GDB.
        moved = min(int(address, 16) for address in sections) - linked.sections
        return (linked.headers + moved) & _MASK

    def _maps(self) -> list[tuple[int, int, int, str | None, str]]:
        """(start, end, file offset, permissions if known, path) of each mapping."""
        text = self.text("info proc mappings") if self.alive else ""
        return [
            (int(low, 16), int(high, 16), int(offset, 16), flags or None, path)
            for low, high, offset, flags, path in _MAPPING.findall(text)
        ]

    def readable(self) -> list[tuple[int, int]]:
        """The ranges of memory, as far as GDB knows them.

        Raises UnsupportedOperation if it does not.
        """
        if self.pid and self.kind != "core":
            ranges = [
                (start, end)
                for start, end, _, flags, _ in self._maps()
                if flags is None or flags.startswith("r")
            ]
        else:
            sections = _SECTION.findall(self.text("info files"))
            ranges = [(int(low, 16), int(high, 16)) for low, high in sections]
        if not ranges:
            raise UnsupportedOperation("GDB does not know what memory there is")
        return _disjoint(ranges)


def add_directories(target: GdbProcess, prog: Program, given: Sequence[str]) -> None:
    """Look where GDB looks, and near the files that it has, besides."""
    options = prog.debug_info_options
    places = *filter(None, given), *target.debug_directories, *options.directories
    kernels = *options.kernel_directories, *target.kernel_directories
    prog.debug_info_options = DebugInfoOptions(
        options,
        directories=tuple(dict.fromkeys(places)),
        kernel_directories=tuple(dict.fromkeys(kernels)),
    )


class Unreadable(Exception):
    """GDB cannot read or write a part of a range."""


def read_in_chunks(
    read_some: Callable[[int, int], bytes],
    address: int,
    size: int,
    fault: Callable[[int, int, Unreadable], FaultError],
) -> bytes:
    """Read a range in pieces that GDB can allocate.

    For a piece that is Unreadable, raises ``fault(address, size, error)``.
    """
    pieces = []
    while size:
        part = min(size, CHUNK - address % CHUNK)
        try:
            pieces.append(read_some(address, part))
        except Unreadable as error:
            raise fault(address, part, error) from None
        address += part
        size -= part
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class GdbSegment(Segment):
    """All addresses of an inferior, as GDB reads them.

    How, the hosts say: `read_some()` and `write_some()` raise Unreadable, and
    FaultError if the inferior or GDB is gone.
    """

    __slots__ = ("_target",)

    def __init__(self, target: GdbProcess) -> None:
        super().__init__(0, 2**64)
        self._target = target

    def read_some(self, address: int, size: int) -> bytes:
        raise NotImplementedError

    def write_some(self, address: int, data: bytes) -> None:
        raise NotImplementedError

    @property
    def slow(self) -> bool:  # type: ignore[override]
        return self._target.is_process

    def read(self, address: int, size: int) -> bytes:
        return read_in_chunks(self.read_some, address, size, self._fault)

    def _fault(self, address: int, size: int, _error: Unreadable) -> FaultError:
        bad = first_unreadable(self.read_some, address, size)
        return FaultError(self._target.fault, bad)

    def write(self, address: int, data: bytes) -> None:
        try:
            self.write_some(address, data)
        except Unreadable:
            raise FaultError("could not write memory", address) from None

    def locate(self, address: int, size: int) -> tuple[bytes, int] | None:
        # What was read stays, until the target's `changed()`.
        target = self._target
        if target.running:
            return None
        if size <= PAGE_SIZE:
            return self.read(address, size), 0
        if not target.is_process or not target.alive:
            return None
        try:
            return self.read_some(address, size), 0
        except (Unreadable, FaultError):
            return None  # A part of it cannot be read.

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for low, high in self._target.readable():
            low, high = max(low, start), min(high, end)
            if low < high:
                try:
                    self.read(low, 1)
                except FaultError:  # The kernel's own, such as [vvar].
                    continue
                yield low, high


def register_value(name: str, value: int) -> tuple[str, int]:
    """A register as DWARF names it, and its bits."""
    return _REGISTER_NAMES.get(name, name), value & _MASK


def gdb_type_name(type: Type) -> str:
    """The name of a type as GDB can read it."""
    return _readable(type).type_name()


def _readable(type: Type) -> Type:
    """A type of the same name, but with namespaces and without parameters' names."""
    prog, kind, qualifiers = type.prog, type.kind, type.qualifiers
    if kind is TypeKind.POINTER:
        target = _readable(type.type)
        return prog.pointer_type(target, type.size, qualifiers=qualifiers)
    if kind is TypeKind.ARRAY:
        element = _readable(type.type)
        return prog.array_type(element, type.length, qualifiers=qualifiers)
    if kind is TypeKind.FUNCTION:
        known = type.parameters if is_prototyped(type) else ()
        parameters = [TypeParameter(_readable(each.type)) for each in known]
        # GDB promotes what is in place of "...".
        return prog.function_type(
            _readable(type.type),
            parameters,
            type.is_variadic or len(known) < len(type.parameters),
            qualifiers=qualifiers,
        )
    name = qualified_name(type) if type.language is Language.CPP else None
    if name is None:
        return type
    if "(" in name:  # As of a namespace that has no name.
        name = f"'{name}'"
    return prog.typedef_type(
        name, prog.void_type(), qualifiers=qualifiers, language=type.language
    )


def check_call(function: Object, arguments: Sequence[Object]) -> None:
    """Raise ValueError for a call that GDB would do in a wrong way."""
    given = [argument.type_ for argument in arguments]
    for type in (function.type_.unaliased().type, *given):
        plain = type.unaliased()
        if plain.kind is TypeKind.INT and sizeof(plain) > 8:
            # GDB 13 passes them on the stack, and returns what is in the wrong place.
            raise ValueError(f"GDB cannot call functions with '{type.type_name()}'")


def returned_value(
    prog: Program, address: int, read: Callable[[Type], Object]
) -> Object | None:
    """What the function with the code at an address returned, by ``read(type)``.

    None if its type is not known, or one that has no values here.
    """
    try:
        return read(function_at(prog, address).type_.unaliased().type)
    except (LookupError, NotImplementedError):
        return None


def in_one_line(error: object) -> str:
    """What GDB says is wrong, without what it says on further lines."""
    line, _, rest = str(error).strip().partition("\n")
    if rest and not line.endswith("."):
        # A sentence over more than one line.
        line += " " + " ".join(rest.split()).partition(". ")[0]
    return line.rstrip(".") or "GDB failed"


def first_unreadable(
    read: Callable[[int, int], object], address: int, size: int
) -> int:
    """The first address of a range that ``read(address, size)`` raises for.

    By pages, and in one page by bytes, for sections of a file may end anywhere.
    """
    start = address
    while address < start + size:
        end = min((address // PAGE_SIZE + 1) * PAGE_SIZE, start + size)
        if not _can(read, address, end - address):
            low, high = address, end
            while low < high:
                middle = (low + high) // 2
                if _can(read, address, middle - address + 1):
                    low = middle + 1
                else:
                    high = middle
            return low
        address = end
    return start


def _can(read: Callable[[int, int], object], address: int, size: int) -> bool:
    try:
        read(address, size)
    except (Unreadable, FaultError):
        return False
    return True


def _disjoint(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low < merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        elif low < high:
            merged.append((low, high))
    return merged
