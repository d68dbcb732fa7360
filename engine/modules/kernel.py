"""The modules of a Linux kernel: vmlinux and the loadable modules in its list.

What a loadable module is like changed over time; the members that ``struct module``
has say how (kernel/module/main.c, kernel/module/sysfs.c):
``mem[]`` (6.4), ``core_layout`` (4.5), ``module_core``; the sections' names in
``battr`` (5.8) or ``name``, their addresses in ``address`` or ``private``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import log
from ..elf.constants import NT_GNU_BUILD_ID
from ..elf.notes import iter_notes
from ..errors import FaultError
from ..flags import FindObjectFlags, ProgramFlags
from ..types.kinds import TypeKind
from ..types.members import find_member
from .finders import load_module_debug_info
from .module import MainModule, Module, RelocatableModule

if TYPE_CHECKING:
    from ..elf.file import ElfFile
    from ..objects.object import Object
    from ..platform import ByteOrder
    from ..program import Program
    from ..types.type import Type
    from .section_addresses import ModuleSectionAddresses

_MAX_MODULES = 1 << 16
_MAX_SECTIONS = 1 << 12
_MAX_NOTE = 1 << 16
_MAX_NAME = 4096


def kernel_module(prog: Program) -> tuple[MainModule, bool]:
    """The main module of a kernel, named ``kernel``, and whether it is new."""
    kernel = prog._kernel
    assert kernel is not None
    module, new = prog._modules.get_or_create_main("kernel")
    if new:
        log.debug("created main module kernel")
    if module._build_id is None and kernel.vmcoreinfo.build_id is not None:
        module._build_id = kernel.vmcoreinfo.build_id
        log.debug("found kernel build ID %s in VMCOREINFO", module._build_id.hex())
    return module, new


def loaded_modules(prog: Program) -> Iterator[tuple[Module, bool]]:
    """The kernel, then its loadable modules, and whether each is new.

    The list of modules cannot be read without debugging information of the kernel,
    which is looked for if it is missing.
    """
    main, new = kernel_module(prog)
    yield main, new
    if main.wants_debug_file():
        load_module_debug_info(prog, [main])
    if main.wants_debug_file() and _module_list(prog) is None:
        log.warning("can't find loaded modules without kernel debug info")
        return
    yield from kernel_modules(prog)


def _module_list(prog: Program) -> Object | None:
    """The head of the list, None if the kernel has no modules or is not known."""
    return prog._find_object("modules", FindObjectFlags.VARIABLE, None)


def kernel_modules(prog: Program) -> Iterator[tuple[RelocatableModule, bool]]:
    """The loadable modules in the kernel's list, and whether each is new.

    FaultError if the list cannot be read. A list that was overwritten ends where it
    runs in circles.
    """
    head = _module_list(prog)
    if head is None:
        return
    reader = _ModuleReader(prog)
    seen = {head.address_}
    node = head.member_("next")
    while node.value_() not in seen and len(seen) < _MAX_MODULES:
        seen.add(node.value_())
        yield reader.module(reader.entry(node.value_()), create=True)
        node = node.member_("next")
    log.debug("found end of loaded kernel module list")


def loadable_module(
    prog: Program, module_obj: Object, create: bool
) -> tuple[RelocatableModule, bool]:
    """The module of a ``struct module *``, and whether it is new.

    TypeError if it is of another type, ValueError if it is of another program,
    LookupError if there is no such module and it is not to be created.
    """
    if module_obj.prog_ is not prog:
        raise ValueError("object is from different program")
    type = module_obj.type_.unaliased()
    if (
        type.kind is not TypeKind.POINTER
        or type.type.unaliased().kind is not TypeKind.STRUCT
        or type.type.unaliased().tag != "module"
    ):
        raise TypeError("struct module * is required")
    return _ModuleReader(prog).module(module_obj.read_(), create)


class _ModuleReader:
    """Makes a RelocatableModule of a ``struct module``."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._struct_module = prog.type("struct module")
        self._pointer = prog.pointer_type(self._struct_module)
        self._list_offset = _offset(self._struct_module, "list")

    def entry(self, node: int) -> Object:
        """The ``struct module *`` whose ``list`` is at an address."""
        from ..objects.object import Object

        return Object._val(self._pointer, node - self._list_offset)

    def module(self, mod: Object, create: bool) -> tuple[RelocatableModule, bool]:
        """The module, and whether it is new."""
        name = mod.member_("name").string_().decode("utf-8", "backslashreplace")
        base = self._base(mod)
        log.debug("found loaded kernel module %s@%#x", name, base)
        module, new = self._prog._modules.get_or_create(
            RelocatableModule, name, base, create
        )
        if new:
            log.debug("created relocatable module %s@%#x", name, base)
            module._object = mod
            self._describe(module, mod)
        return module, new

    # Where it is.

    def _base(self, mod: Object) -> int:
        if self._has("mem"):
            base = mod.member_("mem")[0].member_("base")
        elif self._has("core_layout"):
            base = mod.member_("core_layout").member_("base")
        else:
            base = mod.member_("module_core")
        address: int = base.value_()
        return address

    def _ranges(self, mod: Object) -> list[tuple[int, int]]:
        """Base and end of each piece of memory that a module has."""
        pieces: list[tuple[Object, Object]]
        if self._has("mem"):
            mem = mod.member_("mem")
            pieces = [
                (mem[i].member_("base"), mem[i].member_("size"))
                for i in range(len(mem))
            ]
        elif self._has("core_layout"):
            pieces = [
                (mod.member_(name).member_("base"), mod.member_(name).member_("size"))
                for name in ("core_layout", "init_layout")
            ]
        else:
            pieces = [
                (mod.member_("module_core"), mod.member_("core_size")),
                (mod.member_("module_init"), mod.member_("init_size")),
            ]
        ranges = []
        for base, size in pieces:
            start, length = base.value_(), size.value_()
            if start and length:
                ranges.append((start, start + length))
        return ranges

    def _has(self, name: str) -> bool:
        return self._struct_module.has_member(name)

    def _describe(self, module: RelocatableModule, mod: Object) -> None:
        """Tell a new module what memory says of it, as far as it can be read."""
        try:
            self._prog._modules.set_ranges(module, self._ranges(mod))
        except (FaultError, ValueError) as error:
            log.debug("%s", error)
        try:
            module._build_id = self._build_id(mod)
        except (FaultError, LookupError) as error:
            log.debug("%s: couldn't read notes: %s", module.name, error)

        def read_sections(addresses: ModuleSectionAddresses) -> None:
            try:
                self._read_sections(mod, addresses)
            except (FaultError, LookupError) as error:
                log.debug("%s: couldn't read section addresses: %s", module.name, error)

        if self._prog.flags & ProgramFlags.IS_LIVE:
            read_sections(module._section_addresses)
        else:
            # There are hundreds, which nobody needs before the module has a file.
            module._read_sections = read_sections

    # Sections.

    def _read_sections(self, mod: Object, addresses: ModuleSectionAddresses) -> None:
        if self._has("percpu") and mod.member_("percpu").value_():
            addresses.fill([(".data..percpu", mod.member_("percpu").value_())])
        log.debug("getting section addresses from sect_attrs")
        addresses.fill(self._sections(mod))

    def _sections(self, mod: Object) -> Iterator[tuple[str, int]]:
        """Name and address of each section, from what sysfs shows of them."""
        if not self._has("sect_attrs"):
            return
        sect_attrs = mod.member_("sect_attrs")
        if not sect_attrs:
            return
        memory = self._prog._memory
        layout = sect_attrs.type_.unaliased().type
        attrs = sect_attrs.member_("attrs")
        entry = attrs.type_.type
        step = entry.size
        address_at = "address" if entry.has_member("address") else "private"
        if entry.has_member("name"):
            name_at = _offset(entry, "name")
        elif entry.has_member("battr"):
            name_at = _offset(entry, "battr") + _offset(
                entry.member("battr").type, "attr.name"
            )
        else:
            name_at = _offset(entry, "attr.name")
        name_is_array = entry.has_member("name") and (
            entry.member("name").type.unaliased().kind is TypeKind.ARRAY
        )
        number = self._section_number(sect_attrs, layout)
        assert attrs.address_ is not None and step is not None
        table = memory.read(attrs.address_, number * step)
        for start in range(0, len(table), step):
            where = attrs.address_ + start + name_at
            if not name_is_array:
                where = self._word(table, start + name_at)
            name = memory.read_c_string(where, _MAX_NAME)
            yield (
                name.decode("utf-8", "backslashreplace"),
                self._word(table, start + _offset(entry, address_at)),
            )

    def _section_number(self, sect_attrs: Object, layout: Type) -> int:
        if layout.has_member("nsections"):
            number: int = sect_attrs.member_("nsections").value_()
            return min(number, _MAX_SECTIONS)
        return self._group_length(sect_attrs.member_("grp"))

    def _group_length(self, group: Object) -> int:
        """How many attributes a ``struct attribute_group`` has, up to a NULL."""
        for name in ("bin_attrs_new", "bin_attrs"):
            if not group.type_.has_member(name):
                continue
            attrs = group.member_(name)
            if attrs:
                for i in range(_MAX_SECTIONS):
                    if not attrs[i]:
                        return i
        return 0

    def _word(self, data: bytes, offset: int) -> int:
        size = self._prog.address_size()
        order: ByteOrder = "little" if self._prog._is_little_endian() else "big"
        return int.from_bytes(data[offset : offset + size], order)

    # Build ID.

    def _build_id(self, mod: Object) -> bytes | None:
        if not self._has("notes_attrs"):
            return None
        notes_attrs = mod.member_("notes_attrs")
        if not notes_attrs:
            return None
        if notes_attrs.type_.unaliased().type.has_member("notes"):
            number = min(notes_attrs.member_("notes").value_(), _MAX_SECTIONS)
        else:
            number = self._group_length(notes_attrs.member_("grp"))
        attrs = notes_attrs.member_("attrs")
        little_endian = self._prog._is_little_endian()
        for i in range(number):
            address = attrs[i].member_("private").value_()
            size = min(attrs[i].member_("size").value_(), _MAX_NOTE)
            data = self._prog._memory.read(address, size)
            for name, kind, desc in iter_notes(data, 4, little_endian):
                if name == b"GNU" and kind == NT_GNU_BUILD_ID and len(desc):
                    log.debug("found build ID %s in notes_attrs", desc.hex())
                    return bytes(desc)
        return None


def _offset(type: Type, path: str) -> int:
    """Offset in bytes of a member, such as ``attr.name``."""
    offset = 0
    for name in path.split("."):
        member, bits = find_member(type, name)
        offset += bits // 8
        type = member.type
    return offset


def is_vmlinux(file: ElfFile, release: str) -> bool:
    """Whether a file is the kernel of a release, by the banner that it prints."""
    if file.section(".init.text") is None or file.section("__ksymtab") is None:
        return False
    banner = f"Linux version {release} ".encode()
    return banner in bytes(file.contents(".rodata"))
