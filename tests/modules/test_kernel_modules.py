"""vmlinux and the loadable modules of the lab's kernels."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import pytest

from drgn import (
    Architecture,
    KmodSearchMethod,
    MissingDebugInfoError,
    ModuleFileStatus,
    Platform,
    Program,
    RelocatableModule,
)

HAVE, WANT = ModuleFileStatus.HAVE, ModuleFileStatus.WANT
DONT_NEED = ModuleFileStatus.DONT_NEED


def program(lab, dump: str = "live.elf") -> Program:
    prog = Program()
    prog.set_core_dump(lab.dump(dump))
    # Not what the machine that runs the tests has.
    prog.debug_info_options.directories = []
    prog.debug_info_options.kernel_directories = [lab.debug_modules]
    return prog


@pytest.fixture(scope="module")
def programs(labs) -> list[tuple[object, Program]]:
    loaded = []
    for lab in labs:
        prog = program(lab)
        prog.load_debug_info([lab.vmlinux], default=True)
        loaded.append((lab, prog))
    return loaded


def kmods(prog: Program) -> dict[str, RelocatableModule]:
    return {m.name: m for m in prog.modules() if isinstance(m, RelocatableModule)}


def kallsyms(lab) -> dict[tuple[str, str], set[int]]:
    """(module, name) -> addresses, as the guest printed them."""
    found: dict[tuple[str, str], set[int]] = {}
    for line in lab.fact("proc/kallsyms").splitlines():
        address, _, name, *module = line.split()
        key = module[0].strip("[]") if module else "", name
        found.setdefault(key, set()).add(int(address, 16))
    return found


def test_kernel_is_moved_by_kaslr(programs) -> None:
    for lab, prog in programs:
        main = prog.main_module()
        assert main.name == "kernel"
        assert (main.loaded_file_status, main.debug_file_status) == (DONT_NEED, HAVE)
        assert main.debug_file_path == str(lab.vmlinux.resolve())
        assert main.build_id is not None
        notes = subprocess.run(
            ["readelf", "-n", lab.vmlinux], check=True, capture_output=True, text=True
        ).stdout
        assert main.build_id.hex() in notes
        start, end = main.address_range or (0, 0)
        for name in ("schedule", "init_task", "jiffies_64"):
            (address,) = kallsyms(lab)["", name]
            assert prog[name].address_ == prog.symbol(name).address == address
            assert start <= address < end
            assert prog.module(address) == main


def test_loadable_modules_are_the_guests(programs) -> None:
    for lab, prog in programs:
        lines = [line.split() for line in lab.fact("proc/modules").splitlines()]
        found = kmods(prog)
        assert set(found) == {fields[0] for fields in lines}
        for name, size, *_, base in lines:
            module = found[name]
            assert module.address == int(base, 16)
            ranges = module.address_ranges or ()
            assert sum(end - start for start, end in ranges) == int(size)
            assert module.object.name.string_().decode() == name
            assert module.object.type_.type_name() == "struct module *"


def test_sections_are_where_the_guest_has_symbols(programs) -> None:
    for lab, prog in programs:
        guest = kallsyms(lab)
        modules = kmods(prog)
        for module in modules.values():
            assert module.debug_file_status is HAVE
            assert module.debug_file_bias == 0
        seen = set()
        for (name, symbol_name), addresses in guest.items():
            # What others have too is found anywhere, and "__key.48" is numbered.
            is_own = name in modules and "." not in symbol_name
            symbols = prog.symbols(symbol_name) if is_own else []
            if len(symbols) == len(addresses) == 1:
                assert symbols[0].address in addresses
                seen.add(name)
        assert seen == set(modules)


def test_functions_of_modules(programs) -> None:
    for lab, prog in programs:
        guest = kallsyms(lab)
        for module, name in (("tun", "tun_net_open"), ("btrfs", "btrfs_open_devices")):
            (address,) = guest[module, name]
            assert prog.function(name).address_ == address
            assert prog.symbol(address + 1).name == name
            assert prog.module(address).name == module


def test_module_of_an_object(programs) -> None:
    for _, prog in programs:
        module = kmods(prog)["tun"]
        assert prog.linux_kernel_loadable_module(module.object) == module
        with pytest.raises(TypeError, match=r"^struct module \* is required$"):
            prog.linux_kernel_loadable_module(module.object[0])
        with pytest.raises(TypeError, match=r"^struct module \* is required$"):
            prog.linux_kernel_loadable_module(prog["init_task"])


def test_main_symbols_alone(lab) -> None:
    prog = program(lab)
    prog.load_debug_info([lab.vmlinux], main=True)
    for module in kmods(prog).values():
        assert module.debug_file_status is WANT
        assert module.build_id is not None
    module = kmods(prog)["tun"]
    assert module.section_addresses[".text"] == module.address
    prog.load_module_debug_info(module)
    assert module.debug_file_status is HAVE
    assert kmods(prog)["veth"].debug_file_status is WANT


def test_missing_modules_are_told(lab, caplog: pytest.LogCaptureFixture) -> None:
    prog = program(lab)
    prog.debug_info_options.kernel_directories = []
    with (
        caplog.at_level(logging.WARNING, "drgn"),
        pytest.raises(MissingDebugInfoError, match="^missing some debugging symbols; "),
    ):
        prog.load_debug_info([lab.vmlinux], default=True)
    messages = [record.message for record in caplog.records]
    number = len(kmods(prog))
    newest = lab.fact("proc/modules").split()[0]
    assert messages[0] == f"missing debugging symbols for {newest}"
    assert len(messages) == 6
    assert messages[-1] == f"... missing {number - 5} more"


def test_provided_files_without_a_module_are_told_before_what_is_missing(
    lab, caplog: pytest.LogCaptureFixture, compile_c
) -> None:
    other = compile_c("int main(void) { return 0; }", "-g", "-Wl,--build-id")
    prog = program(lab)
    prog.debug_info_options.kernel_directories = []
    with (
        caplog.at_level(logging.WARNING, "drgn"),
        pytest.raises(MissingDebugInfoError),
    ):
        prog.load_debug_info([lab.vmlinux, other], default=True)
    told = f"provided file {other} did not match any loaded modules; ignoring"
    assert caplog.messages[0] == told and len(caplog.messages) == 7


def test_a_list_of_modules_that_cannot_be_read(
    lab, caplog: pytest.LogCaptureFixture
) -> None:
    prog = Program(Platform(Architecture.AARCH64))
    prog.set_core_dump(lab.dump("live.elf"))
    with caplog.at_level(logging.WARNING, "drgn"):
        prog.load_debug_info([lab.vmlinux], default=True)
    (message,) = caplog.messages
    assert message.startswith(
        "can't find kernel modules: couldn't read modules list: could not find memory"
    )


def test_vmlinux_of_another_build(
    labs, caplog: pytest.LogCaptureFixture, compile_c
) -> None:
    other = compile_c("int main(void) { return 0; }", "-g", "-Wl,--build-id")
    prog = program(labs[0])
    prog.debug_info_options.kernel_directories = []
    with (
        caplog.at_level(logging.WARNING, "drgn"),
        pytest.raises(MissingDebugInfoError),
    ):
        prog.load_debug_info([other], default=True)
    assert [record.message for record in caplog.records] == [
        f"missing debugging symbols for kernel {labs[0].kernel}",
        f"provided file {other} did not match any loaded modules; ignoring",
    ]
    assert [module.name for module in prog.modules()] == ["kernel"]


def test_without_debug_info_only_the_kernel_is_known(
    lab, caplog: pytest.LogCaptureFixture
) -> None:
    prog = program(lab)
    prog.debug_info_options.kernel_directories = []
    with caplog.at_level(logging.WARNING, "drgn"):
        ((module, new),) = prog.loaded_modules()
    assert (module.name, new) == ("kernel", True)
    assert [record.message for record in caplog.records] == [
        "can't find loaded modules without kernel debug info"
    ]


class TestDirectories:
    def test_vmlinux_and_modules_below_debug_directories(self, lab) -> None:
        prog = program(lab)
        # .../usr/lib/debug/lib/modules/RELEASE
        prog.debug_info_options.directories = [lab.debug_modules.parents[2]]
        prog.debug_info_options.kernel_directories = [""]
        prog.load_debug_info(default=True)
        assert prog.main_module().debug_file_path == str(lab.vmlinux.resolve())
        assert kmods(prog)["tun"].debug_file_status is HAVE

    def test_kernel_directory(self, lab, tmp_path: Path) -> None:
        (tmp_path / "vmlinux").symlink_to(lab.vmlinux)
        prog = program(lab)
        prog.debug_info_options.kernel_directories = [tmp_path]
        prog.load_debug_info(main=True)
        assert prog.main_module().debug_file_status is HAVE

    @pytest.mark.parametrize(
        ("method", "found"),
        [
            (KmodSearchMethod.NONE, False),
            (KmodSearchMethod.DEPMOD, True),
            (KmodSearchMethod.WALK, True),
        ],
    )
    def test_kmod(
        self, lab, tmp_path: Path, method: KmodSearchMethod, found: bool
    ) -> None:
        (index,) = lab.directory.glob("root/**/modules.dep.bin")
        (tmp_path / "modules.dep.bin").symlink_to(index)
        prog = program(lab)
        prog.debug_info_options.kernel_directories = [tmp_path, lab.debug_modules]
        prog.debug_info_options.try_kmod = method
        prog.load_debug_info([lab.vmlinux], main=True)
        module = kmods(prog)["veth"]
        prog.load_module_debug_info(module)
        assert (module.debug_file_status is HAVE) == found

    def test_depmod_index_without_files_ends_the_search(
        self, lab, tmp_path: Path
    ) -> None:
        (index,) = lab.directory.glob("root/**/modules.dep.bin")
        (tmp_path / "modules.dep.bin").symlink_to(index)
        source = next(lab.debug_modules.rglob("veth.ko*"))
        (tmp_path / source.name).symlink_to(source)
        prog = program(lab)
        prog.debug_info_options.kernel_directories = [tmp_path]
        prog.load_debug_info([lab.vmlinux], main=True)
        module = kmods(prog)["veth"]
        prog.load_module_debug_info(module)
        assert module.debug_file_status is WANT
        prog.debug_info_options.try_kmod = KmodSearchMethod.DEPMOD_AND_WALK
        prog.load_module_debug_info(module)
        assert module.debug_file_status is HAVE
