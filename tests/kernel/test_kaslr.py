"""A moved kernel is found in page tables of each kind, and no other is taken for it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from mini_kernel import START, Machine, build

from drgn.engine.kernel.guest import (
    Guest,
    GuestKernel,
    explain_no_kernel,
    find_guest_kernel,
)
from drgn.engine.kernel.kaslr import ControlRegisters
from drgn.engine.kernel.vmcoreinfo import Vmcoreinfo
from drgn.engine.kernel.vmlinux import Vmlinux, open_vmlinux
from drgn.engine.memory.memory import Memory

SLIDE = 0x1D200000
BASE = 0x600000
PAGES = {"4K": 1 << 12, "2M": 1 << 21}


@pytest.fixture(scope="session")
def path(
    compile_c: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return build(compile_c, tmp_path_factory.mktemp("kernel"))


@pytest.fixture(scope="session")
def other(
    compile_c: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return build(compile_c, tmp_path_factory.mktemp("kernel"), "6.2.0-other")


@pytest.fixture
def vmlinux(path: Path) -> Vmlinux:
    found = open_vmlinux(str(path))
    assert found is not None
    return found


def found(vmlinux: Vmlinux, guest: Guest) -> GuestKernel:
    kernel = find_guest_kernel(vmlinux, guest)
    assert kernel is not None
    return kernel


def without_physical(machine: Machine) -> Machine:
    machine.physical = None
    return machine


@pytest.mark.parametrize("levels", [4, 5])
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_by_page_tables(path: Path, vmlinux: Vmlinux, levels: int, page: int) -> None:
    machine = Machine(path, SLIDE, BASE, levels=levels, page=page)
    image = found(vmlinux, machine).image
    assert image.offset == SLIDE
    assert image.phys_base == BASE - (START + SLIDE - 0xFFFFFFFF80000000)
    assert image.levels == levels


def test_by_a_page_of_a_gibibyte(path: Path, vmlinux: Vmlinux) -> None:
    # The image is where the mapping has it, 16 MiB from its start.
    machine = Machine(path, 0, 0x1000000, page=1 << 21)
    machine.root = machine.new_table(8192)
    machine.map(0xFFFFFFFF80000000, 0, 1 << 30)
    machine.registers = [ControlRegisters(machine.root, 1 << 31, 0)]
    assert found(vmlinux, machine).image[:2] == (0, 0)


@pytest.mark.parametrize("levels", [4, 5])
def test_levels_that_are_not_known(path: Path, vmlinux: Vmlinux, levels: int) -> None:
    machine = Machine(path, SLIDE, BASE, levels=levels)
    machine.registers = [ControlRegisters(machine.root)]
    image = found(vmlinux, machine).image
    assert (image.offset, image.levels) == (SLIDE, levels)


def test_user_page_tables_of_pti(path: Path, vmlinux: Vmlinux) -> None:
    machine = Machine(path, SLIDE, BASE)
    user = machine.root + 4096
    # User mode sees the code that enters the kernel, and PCID says so, too.
    machine.map(START + SLIDE, BASE, 1 << 12, root=user)
    machine.registers = [ControlRegisters(user | 0x801, 1 << 31, 0)]
    assert found(vmlinux, machine).image.offset == SLIDE


def test_a_table_in_an_odd_page(path: Path, vmlinux: Vmlinux) -> None:
    # Without PTI the bit that tells its tables apart is one of the address.
    machine = Machine(path, SLIDE, BASE)
    even, odd = machine.root, machine.root + 4096
    machine.ram[odd : odd + 4096] = machine.ram[even : even + 4096]
    machine.ram[even : even + 4096] = bytes(4096)
    machine.registers = [ControlRegisters(odd, 1 << 31, 0)]
    assert found(vmlinux, machine).image.offset == SLIDE


def test_any_processor_will_do(path: Path, vmlinux: Vmlinux) -> None:
    machine = Machine(path, SLIDE, BASE)
    in_firmware = ControlRegisters(0, 0x10, 0)
    machine.registers = [in_firmware, *machine.registers]
    assert found(vmlinux, machine).image.offset == SLIDE


@pytest.mark.parametrize("slide", [0, 1 << 21, (1 << 30) - (1 << 24) - (4 << 20)])
def test_everywhere(path: Path, vmlinux: Vmlinux, slide: int) -> None:
    for machine in (
        Machine(path, slide, BASE),
        without_physical(Machine(path, slide, BASE)),
    ):
        assert found(vmlinux, machine).image.offset == slide


def test_moved_down_in_memory(path: Path, vmlinux: Vmlinux) -> None:
    machine = Machine(path, 0, 0x400000)
    assert found(vmlinux, machine).image.phys_base == 0x400000 - 0x1000000


# Without physical memory.


def probed(path: Path, vmlinux: Vmlinux, slide: int = SLIDE) -> Machine:
    machine = without_physical(Machine(path, slide, BASE))
    phys_base = BASE - (START + slide - 0xFFFFFFFF80000000)
    symbol = vmlinux.symbol("phys_base")
    assert symbol is not None
    machine.write_word(machine.at(symbol.address), phys_base)
    return machine


def test_by_probing(path: Path, vmlinux: Vmlinux) -> None:
    image = found(vmlinux, probed(path, vmlinux)).image
    assert image.offset == SLIDE
    assert image.phys_base == BASE - (START + SLIDE - 0xFFFFFFFF80000000)


@pytest.mark.parametrize("said", [True, False])
def test_physical_memory_through_the_direct_map(
    path: Path, vmlinux: Vmlinux, said: bool
) -> None:
    machine = probed(path, vmlinux)
    direct_map = 0xFFFF9C0040000000 if said else 0xFFFF888000000000
    for physical in range(0, machine.RAM, 1 << 21):
        machine.map(direct_map + physical, physical, 1 << 21)
    symbol = vmlinux.symbol("page_offset_base")
    assert symbol is not None
    if said:
        machine.write_word(machine.at(symbol.address), direct_map)
    else:
        vmlinux._symbols["page_offset_base"] = None  # RANDOMIZE_MEMORY is off.
    memory = Memory()
    found(vmlinux, machine).attach(memory)
    machine.write_word(0x123450, 0x1122334455667788)
    word = struct.pack("<Q", 0x1122334455667788)
    assert memory.read(0x123450, 8, physical=True) == word
    assert memory.read(direct_map + 0x123450, 8) == word


def test_a_processor_in_user_mode_sees_nothing(path: Path, vmlinux: Vmlinux) -> None:
    machine = probed(path, vmlinux)
    kernel_mode = machine.registers[0]
    user_mode = ControlRegisters(machine.new_table(), 1 << 31, 0)
    machine.registers = [user_mode]
    assert find_guest_kernel(vmlinux, machine) is None
    machine.registers = [user_mode, kernel_mode]
    assert found(vmlinux, machine).image.offset == SLIDE


# What is not there.


def test_paging_is_off(path: Path, vmlinux: Vmlinux) -> None:
    machine = Machine(path, SLIDE, BASE)
    machine.registers = [ControlRegisters(machine.root, 0x60000010, 0)]
    assert find_guest_kernel(vmlinux, machine) is None
    assert explain_no_kernel(vmlinux, machine) == (
        "no kernel is running yet: paging is off"
    )


def test_page_tables_without_a_kernel(path: Path, vmlinux: Vmlinux) -> None:
    machine = Machine(path, SLIDE, BASE)
    machine.registers = [ControlRegisters(machine.new_table(), 1 << 31, 0)]
    assert find_guest_kernel(vmlinux, machine) is None
    assert explain_no_kernel(vmlinux, machine) == (
        "no kernel is running yet, or none can be seen"
    )


@pytest.mark.parametrize("cr3", [0x600000, 0xFFFFFFFFFF000, 2**64 - 1])
def test_what_is_no_page_table(path: Path, vmlinux: Vmlinux, cr3: int) -> None:
    machine = Machine(path, SLIDE, BASE)
    machine.registers = [ControlRegisters(cr3)]
    assert find_guest_kernel(vmlinux, machine) is None


def test_tables_that_refer_to_themselves(path: Path, vmlinux: Vmlinux) -> None:
    machine = Machine(path, SLIDE, BASE)
    table = machine.new_table()
    for index in range(512):
        machine.write_word(table + 8 * index, table | 1)
    machine.registers = [ControlRegisters(table, 1 << 31, 0)]
    assert find_guest_kernel(vmlinux, machine) is None
    assert "no kernel" in explain_no_kernel(vmlinux, machine)


@pytest.mark.parametrize("physical", [True, False])
def test_another_kernel(
    path: Path, other: Path, vmlinux: Vmlinux, physical: bool
) -> None:
    machine = Machine(other, SLIDE, BASE)
    if not physical:
        machine = without_physical(machine)
    running = open_vmlinux(str(other))
    assert running is not None and running.identity.build_id is not None
    assert vmlinux.identity.build_id is not None
    assert find_guest_kernel(vmlinux, machine) is None
    assert explain_no_kernel(vmlinux, machine) == (
        f"{path} is of another kernel than the one that runs:"
        f' "Linux version 6.1.0-mini (us@here) #1 SMP",'
        f" build ID {vmlinux.identity.build_id.hex()}; running is"
        f' "Linux version 6.2.0-other (us@here) #1 SMP",'
        f" build ID {running.identity.build_id.hex()}"
    )


def test_files_that_are_no_kernels(
    compile_c: Callable[..., Path], tmp_path: Path
) -> None:
    program = compile_c("int main(void) { return 0; }")
    assert open_vmlinux(str(program)) is None
    text = tmp_path / "text"
    text.write_text("vmlinux")
    assert open_vmlinux(str(text)) is None
    assert open_vmlinux(str(tmp_path / "none")) is None


# Afterwards.


def test_is_still_there(path: Path, other: Path, vmlinux: Vmlinux) -> None:
    machine = Machine(path, SLIDE, BASE)
    kernel = found(vmlinux, machine)
    assert kernel.is_still_there()
    before = bytes(machine.ram), list(machine.registers)

    # Booted again, by another offset, or another kernel.
    for again in (
        Machine(path, SLIDE + (2 << 20), BASE),
        Machine(path, SLIDE, BASE + (2 << 20)),
        Machine(other, SLIDE, BASE),
    ):
        machine.ram[:] = again.ram
        machine.registers = again.registers
        assert not kernel.is_still_there()

    # Its memory is as it was, but the processor is back in the firmware.
    machine.ram[:], machine.registers = before
    assert kernel.is_still_there()
    machine.registers = [ControlRegisters(0, 0x10, 0)]
    assert not kernel.is_still_there()


# VMCOREINFO.


def test_vmcoreinfo_of_the_kernel(path: Path, vmlinux: Vmlinux) -> None:
    text = (
        b"OSRELEASE=6.1.0-said\nPAGESIZE=4096\n"
        b"SYMBOL(swapper_pg_dir)=ffffffff82000000\n"
    )
    machine = Machine(path, SLIDE, BASE)
    data, size = vmlinux.symbol("vmcoreinfo_data"), vmlinux.symbol("vmcoreinfo_size")
    assert data is not None and size is not None
    where = 0x10000
    machine.ram[where : where + len(text)] = text
    machine.map(0xFFFF888000000000, 0, 1 << 21)
    machine.write_word(machine.at(data.address), 0xFFFF888000000000 + where)
    machine.write_word(machine.at(size.address), len(text))
    assert found(vmlinux, machine).vmcoreinfo == text
    # While the kernel writes it, it is not whole.
    machine.write_word(machine.at(size.address), 20)
    made = found(vmlinux, machine).vmcoreinfo
    assert made is not None and made.startswith(b"OSRELEASE=6.1.0-mini\n")


def test_vmcoreinfo_that_the_kernel_has_not(path: Path, vmlinux: Vmlinux) -> None:
    kernel = found(vmlinux, Machine(path, SLIDE, BASE, levels=5))
    assert kernel.vmcoreinfo is not None
    info = Vmcoreinfo(kernel.vmcoreinfo)
    top = vmlinux.symbol("init_top_pgt")
    assert top is not None
    assert info.osrelease == "6.1.0-mini"
    assert info.kaslr_offset == SLIDE
    assert info.swapper_pg_dir == top.address + SLIDE
    assert info.number("phys_base") == kernel.image.phys_base
    assert info.number("pgtable_l5_enabled") == 1
    assert info.build_id == vmlinux.identity.build_id
