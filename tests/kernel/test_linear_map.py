"""Dumps that lack page tables, as those do which are cut short."""

from __future__ import annotations

import pytest
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import FaultError, Object, Program, columns
from drgn.helpers.linux import find_task, for_each_task

_PAGE = 4096
_TABLE = 0x000FFFFFFFFFF000


def lose(prog: Program, physical: int) -> None:
    def fail(at: int, count: int, offset: int, _: bool) -> bytes:
        raise FaultError("not in the dump", at)

    prog.add_memory_segment(physical & -_PAGE, _PAGE, fail, True)


def tables(prog: Program, address: int) -> list[int]:
    """Where the page tables are that translate an address, from the top down."""
    table = prog.translate(prog["init_mm"].pgd.value_())
    found = []
    for level in (3, 2, 1, 0):
        found.append(table)
        entry = prog.read_u64(table + (address >> 12 + 9 * level & 511) * 8, True)
        if level in (1, 2) and entry & 0x80:
            break
        table = entry & _TABLE
    return found


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_direct_map_and_the_image(each_lab: Lab, depth: int) -> None:
    whole = open_dump(each_lab, "panic.elf")
    if "page_offset_base" not in whole:
        return  # It is a constant, which nothing tells.
    prog = open_dump(each_lab, "panic.elf")
    task = find_task(whole, 1).value_()
    image = whole["linux_banner"].address_ or 0
    for physical in {tables(whole, task)[depth], tables(whole, image)[depth]}:
        lose(prog, physical)
    assert prog["linux_banner"].string_() == whole["linux_banner"].string_()
    assert prog.translate(task) == whole.translate(task)
    names = [each.comm.string_() for each in for_each_task(whole)]
    assert [each.comm.string_() for each in for_each_task(prog)] == names
    found = columns(for_each_task(prog), "comm", "tgid")
    assert not found["comm"].mask.any()
    expected = columns(for_each_task(whole), "comm", "tgid")
    assert found["comm"].tolist() == expected["comm"].tolist()
    assert found["tgid"].tolist() == expected["tgid"].tolist()
    assert prog.read(task, 9000) == whole.read(task, 9000)


def test_what_is_not_in_them_cannot_be_read(each_lab: Lab) -> None:
    prog = open_dump(each_lab, "panic.elf")
    if "page_offset_base" not in prog:
        return
    base = prog["page_offset_base"].value_()
    stack = find_task(prog, 1).stack.value_()
    task = find_task(prog, 1).value_()
    (start, end), *_ = prog.main_module().address_ranges
    lose(prog, tables(prog, task)[0])
    assert Object(prog, "struct task_struct", address=task).pid == 1
    memory = prog["max_pfn"].value_() * _PAGE
    beyond = [base - _PAGE, base + memory, start - _PAGE, end, 0x1000]
    if not base <= stack < base + memory:  # CONFIG_VMAP_STACK
        beyond.append(stack)
    for address in beyond:
        with pytest.raises(FaultError):
            prog.read(address, 8)
    assert prog.gather("u64", beyond).mask.all()
