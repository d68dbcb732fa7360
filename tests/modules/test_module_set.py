"""Creating modules, looking them up, and their attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drgn import (
    DebugInfoOptions,
    KmodSearchMethod,
    Language,
    Module,
    ModuleFileStatus,
    Object,
    Program,
)

NOT_FOUND = "^module not found$"


@pytest.fixture
def prog() -> Program:
    return Program()


@pytest.fixture
def module(prog: Program) -> Module:
    return prog.extra_module("m", create=True)


class TestLookups:
    @pytest.mark.parametrize(
        ("function", "arguments", "text"),
        [
            ("main_module", ("/bin/x",), "prog.main_module(name='/bin/x')"),
            (
                "shared_library_module",
                ("/lib/l.so", 0x1000),
                "prog.shared_library_module(name='/lib/l.so', dynamic_address=0x1000)",
            ),
            (
                "vdso_module",
                (b"linux-vdso.so.1", 0x5000),
                "prog.vdso_module(name='linux-vdso.so.1', dynamic_address=0x5000)",
            ),
            (
                "relocatable_module",
                ("dummy", 0x7000),
                "prog.relocatable_module(name='dummy', address=0x7000)",
            ),
            ("extra_module", (Path("a/b"), 3), "prog.extra_module(name='a/b', id=0x3)"),
        ],
    )
    def test_kinds(
        self, prog: Program, function: str, arguments: tuple[Any, ...], text: str
    ) -> None:
        find = getattr(prog, function)
        with pytest.raises(LookupError, match=NOT_FOUND):
            find(*arguments)
        created = find(*arguments, create=True)
        assert repr(created) == text
        assert find(*arguments) == created
        assert find(*arguments, create=True) == created
        assert prog.module(created.name) == created
        assert list(prog.modules()) == [created]

    def test_key_tells_modules_of_one_name_apart(self, prog: Program) -> None:
        first = prog.extra_module("m", 1, create=True)
        second = prog.extra_module("m", 2, create=True)
        assert first != second
        assert prog.extra_module("m", 1) == first
        with pytest.raises(LookupError, match=NOT_FOUND):
            prog.extra_module("m")

    def test_there_is_one_main_module(self, prog: Program) -> None:
        with pytest.raises(TypeError, match="name must be given"):
            prog.main_module(create=True)
        main = prog.main_module("x", create=True)
        assert prog.main_module() == main
        with pytest.raises(LookupError, match=NOT_FOUND):
            prog.main_module("y")
        with pytest.raises(LookupError, match="already exists with different name"):
            prog.main_module("y", create=True)

    def test_of_a_name_the_newest_is_found(self, prog: Program) -> None:
        prog.main_module("x", create=True)
        assert prog.module("x") == prog.main_module()
        newest = prog.extra_module("x", create=True)
        assert prog.module("x") == newest

    def test_main_module_comes_first_then_the_newest(self, prog: Program) -> None:
        for name, number in (("b", 0), ("a", 0), ("c", 0), ("a", 1)):
            prog.extra_module(name, number, create=True)
        prog.main_module("main", create=True)
        assert [m.name for m in prog.modules()] == ["main", "c", "a", "a", "b"]

    def test_without_a_target_nothing_is_loaded(self, prog: Program) -> None:
        prog.extra_module("m", create=True)
        assert list(prog.loaded_modules()) == []

    @pytest.mark.parametrize("number", [-1, 2**64])
    def test_numbers_are_unsigned(self, prog: Program, number: int) -> None:
        with pytest.raises(OverflowError):
            prog.extra_module("m", number, create=True)

    def test_kernel_modules_need_a_struct_module(self, prog: Program) -> None:
        with pytest.raises(TypeError, match="must be _drgn.Object, not int"):
            prog.linux_kernel_loadable_module(3)  # type: ignore[arg-type]
        number = Object(prog, prog.int_type("int", 4, True, "little"), 3)
        with pytest.raises(TypeError, match="^struct module \\* is required$"):
            prog.linux_kernel_loadable_module(number)
        with pytest.raises(ValueError, match="^object is from different program$"):
            Program().linux_kernel_loadable_module(number)


class TestAddressRanges:
    def test_unknown(self, module: Module) -> None:
        assert module.address_range is None
        assert module.address_ranges is None

    def test_one(self, prog: Program, module: Module) -> None:
        module.address_range = (0x100, 0x200)
        assert module.address_ranges == ((0x100, 0x200),)
        assert prog.module(0x100) == prog.module(0x1FF) == module
        for outside in (0xFF, 0x200):
            with pytest.raises(LookupError, match=NOT_FOUND):
                prog.module(outside)
        module.address_range = None
        with pytest.raises(LookupError, match=NOT_FOUND):
            prog.module(0x100)

    def test_several_ascend(self, prog: Program, module: Module) -> None:
        module.address_ranges = [(5, 9), (1, 2)]
        assert module.address_ranges == ((1, 2), (5, 9))
        assert prog.module(6) == module
        with pytest.raises(ValueError, match="module has multiple address ranges"):
            _ = module.address_range
        with pytest.raises(LookupError):
            prog.module(3)

    def test_not_loaded(self, module: Module) -> None:
        module.address_range = (0, 0)
        assert module.address_ranges == ()
        assert module.address_range == (0, 0)

    @pytest.mark.parametrize("bad", [(2, 1), (1, 1), (5, 0)])
    def test_empty_ranges_are_invalid(
        self, module: Module, bad: tuple[int, int]
    ) -> None:
        with pytest.raises(ValueError, match="invalid module address range"):
            module.address_range = bad
        with pytest.raises(ValueError, match="invalid module address range"):
            module.address_ranges = [bad]

    def test_types(self, module: Module) -> None:
        with pytest.raises(TypeError, match=r"must be None or \(int, int\)"):
            module.address_range = [1, 2]  # type: ignore[assignment]
        with pytest.raises(TypeError, match=r"must None or sequence of \(int, int\)"):
            module.address_ranges = [(1,)]  # type: ignore[list-item]
        with pytest.raises(OverflowError):
            module.address_range = (-1, 5)

    def test_overlaps(self, prog: Program, module: Module) -> None:
        module.address_range = (0x100, 0x200)
        other = prog.extra_module("n", create=True)
        other.address_range = (0x200, 0x300)
        with pytest.raises(ValueError) as error:
            other.address_ranges = [(0x10, 0x20), (0x80, 0x110)]
        assert str(error.value) == "n [0x80, 0x110) overlaps m [0x100, 0x200)"
        assert other.address_ranges == ((0x200, 0x300),)
        with pytest.raises(ValueError) as error:
            other.address_ranges = [(1, 5), (4, 9)]
        assert str(error.value) == "n [0x1, 0x5) overlaps [0x4, 0x9)"
        module.address_range = (0x110, 0x190)


class TestAttributes:
    def test_of_a_new_module(self, prog: Program, module: Module) -> None:
        assert module.prog is prog
        assert module.build_id is None
        for kind in ("loaded", "debug"):
            assert getattr(module, f"{kind}_file_status") is ModuleFileStatus.WANT
            assert getattr(module, f"{kind}_file_path") is None
            assert getattr(module, f"{kind}_file_bias") is None
        assert module.supplementary_debug_file_kind is None
        assert module.supplementary_debug_file_path is None
        assert module.wants_loaded_file()
        assert module.wants_debug_file()
        assert module.object.absent_

    def test_object_is_of_c(self, prog: Program, module: Module) -> None:
        prog.language = Language.CPP
        assert module.object.type_.language is Language.C

    def test_build_id(self, module: Module) -> None:
        module.build_id = bytearray(b"zz")
        assert module.build_id == b"zz"
        with pytest.raises(ValueError, match="build ID cannot be empty"):
            module.build_id = b""
        with pytest.raises(TypeError, match="a bytes-like object is required"):
            module.build_id = "x"  # type: ignore[assignment]
        module.build_id = None
        assert module.build_id is None

    def test_object(self, prog: Program, module: Module) -> None:
        module.object = Object(prog, prog.int_type("int", 4, True, "little"), 3)
        assert module.object.value_() == 3
        with pytest.raises(TypeError, match=r"object must be a drgn\.Object"):
            module.object = 3  # type: ignore[assignment]

    @pytest.mark.parametrize("kind", ["loaded_file_status", "debug_file_status"])
    def test_statuses(self, module: Module, kind: str) -> None:
        for status in (
            ModuleFileStatus.DONT_WANT,
            ModuleFileStatus.DONT_NEED,
            ModuleFileStatus.WANT,
        ):
            setattr(module, kind, status)
            assert getattr(module, kind) is status
        for status in (ModuleFileStatus.HAVE, ModuleFileStatus.WANT_SUPPLEMENTARY):
            with pytest.raises(ValueError) as error:
                setattr(module, kind, status)
            assert str(error.value) == (
                f"cannot change {kind} from ModuleFileStatus.WANT to {status}"
            )
        with pytest.raises(TypeError, match=f"{kind} must be ModuleFileStatus"):
            setattr(module, kind, 1)

    @pytest.mark.parametrize(
        "name",
        ["address_range", "address_ranges", "build_id", "object", "debug_file_status"],
    )
    def test_nothing_can_be_deleted(self, module: Module, name: str) -> None:
        with pytest.raises(AttributeError, match="can't delete"):
            delattr(module, name)

    def test_no_supplementary_file_is_wanted(self, module: Module) -> None:
        with pytest.raises(ValueError, match="does not want supplementary debug file"):
            module.wanted_supplementary_debug_file()


class TestSectionAddresses:
    def test_is_a_mapping(self, prog: Program) -> None:
        addresses = prog.relocatable_module("m", 0, create=True).section_addresses
        assert repr(addresses) == "ModuleSectionAddresses()"
        addresses[".text"] = 0x7000
        addresses[".data"] = 0x8000
        assert repr(addresses) == (
            "ModuleSectionAddresses({'.data': 0x8000, '.text': 0x7000})"
        )
        assert dict(addresses) == {".text": 0x7000, ".data": 0x8000}
        assert addresses == {".text": 0x7000, ".data": 0x8000}
        del addresses[".text"]
        assert list(addresses) == [".data"]
        addresses.clear()
        assert dict(addresses) == {}
        for name in (".text", 3):
            with pytest.raises(KeyError):
                addresses[name]  # type: ignore[index]

    def test_bad_values(self, prog: Program) -> None:
        addresses = prog.relocatable_module("m", 0, create=True).section_addresses
        with pytest.raises(TypeError, match="section_addresses key must be str"):
            addresses[3] = 3  # type: ignore[index]
        for number in (-1, 2**64):
            with pytest.raises(OverflowError):
                addresses[".text"] = number
        with pytest.raises(TypeError):
            addresses[".text"] = "x"  # type: ignore[assignment]
        assert len(addresses) == 0

    def test_cannot_change_once_there_is_a_file(self, prog: Program, compile_c) -> None:
        module = prog.relocatable_module("m", 0, create=True)
        module.section_addresses[".text"] = 0x7000
        module.try_file(compile_c("int f(void) { return 1; }", "-c", "-g"))
        with pytest.raises(ValueError, match="cannot be modified after file is set"):
            module.section_addresses[".data"] = 3
        with pytest.raises(ValueError, match="cannot be modified after file is set"):
            module.section_addresses.clear()
        with pytest.raises(ValueError, match="cannot be modified after file is set"):
            del module.section_addresses[".text"]
        assert dict(module.section_addresses) == {".text": 0x7000}

    def test_what_is_wrong_is_told_before_what_cannot_change(
        self, prog: Program, compile_c
    ) -> None:
        module = prog.relocatable_module("m", 0, create=True)
        module.try_file(compile_c("int f(void) { return 1; }", "-c", "-g"))
        addresses = module.section_addresses
        with pytest.raises(TypeError, match="section_addresses key must be str"):
            addresses[3] = 3  # type: ignore[index]
        with pytest.raises(UnicodeEncodeError):
            addresses["\udc80"] = 3
        with pytest.raises(OverflowError):
            addresses[".text"] = -1
        with pytest.raises(KeyError):
            del addresses[3]  # type: ignore[arg-type]
        addresses.clear()  # There is nothing to change.


class TestOptions:
    DEFAULT = (
        "DebugInfoOptions(directories=('/usr/lib/debug',), try_module_name=True,"
        " try_build_id=True, debug_link_directories=('$ORIGIN', '$ORIGIN/.debug', ''),"
        " try_debug_link=True, try_procfs=True, try_embedded_vdso=True, try_reuse=True,"
        " try_supplementary=True, kernel_directories=('',),"
        " try_kmod=<KmodSearchMethod.DEPMOD_OR_WALK: 3>)"
    )

    def test_defaults(self, prog: Program) -> None:
        assert repr(DebugInfoOptions()) == self.DEFAULT
        assert repr(prog.debug_info_options) == self.DEFAULT

    def test_copies_with_changes(self) -> None:
        first = DebugInfoOptions(directories=[b"/a", Path("/b")], try_build_id=0)
        second = DebugInfoOptions(first, try_kmod=KmodSearchMethod.NONE)
        assert second.directories == ("/a", "/b")
        assert second.try_build_id is False
        assert second.try_kmod is KmodSearchMethod.NONE
        assert first.try_kmod is KmodSearchMethod.DEPMOD_OR_WALK

    def test_assignment(self, prog: Program) -> None:
        prog.debug_info_options.kernel_directories = ["/k", ""]
        assert prog.debug_info_options.kernel_directories == ("/k", "")
        with pytest.raises(TypeError, match="debug_info_options must be"):
            prog.debug_info_options = 3  # type: ignore[assignment]

    def test_bad_options(self) -> None:
        with pytest.raises(ValueError, match="string cannot be empty"):
            DebugInfoOptions(directories=[""])
        with pytest.raises(TypeError, match="try_kmod must be KmodSearchMethod"):
            DebugInfoOptions(try_kmod=1)
        with pytest.raises(TypeError, match="'foo' is an invalid keyword argument"):
            DebugInfoOptions(foo=1)
        with pytest.raises(TypeError, match="options must be DebugInfoOptions"):
            DebugInfoOptions(3)  # type: ignore[arg-type]
        with pytest.raises(AttributeError, match="can't delete 'try_kmod'"):
            del DebugInfoOptions().try_kmod
