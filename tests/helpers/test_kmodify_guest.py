"""Kernels that are modified: what a guest is afterwards.

The guest is another machine than ours: a dump tells what it looks like, and its agent
loads the modules and says what came back.
"""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from lab import agent
from lab.agent import Agent
from lab.manifest import Lab

from drgn import FaultError, Object, Program
from drgn.helpers.experimental import _kmodify_load, _kmodify_module, kmodify
from drgn.helpers.experimental.kmodify import (
    call_function,
    call_functions,
    pass_pointer,
    write_memory,
    write_object,
)


@pytest.fixture(scope="module")
def guest(each_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    for name in ("qemu-system-x86_64", "cpio", "gcc"):
        if shutil.which(name) is None:
            pytest.skip(f"no {name}")
    with agent.boot(each_lab, tmp_path_factory.mktemp("guest")) as guest:
        yield guest


@pytest.fixture(scope="module")
def dump(each_lab: Lab, guest: Agent) -> Program:
    prog = Program()
    prog.set_core_dump(guest.dump)
    prog.load_debug_info([each_lab.vmlinux])
    if prog.symbols("report_cfi_failure"):
        pytest.skip("kmodify refuses kernels that check calls (CONFIG_CFI)")
    return prog


@pytest.fixture
def prog(guest: Agent, dump: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The guest's kernel, which modules of ours are loaded into."""
    buffer: list[int] = []

    def module(*args: Any) -> bytes:
        buffer[:] = args[-2:]
        return _kmodify_module.module(*args)

    def load(image: bytes) -> None:
        address, size = buffer
        error, data = guest.load(image, address, size)
        ctypes.memmove(address, data, len(data))
        _kmodify_load.check_result(error)

    monkeypatch.setattr(kmodify, "module", module)
    monkeypatch.setattr(_kmodify_load, "check", lambda prog: None)
    monkeypatch.setattr(_kmodify_load, "load", load)
    return dump


def read(prog: Program, address: int, size: int) -> bytes:
    """The guest's memory as it is now."""
    buffer = pass_pointer(bytes(size))
    source = Object(prog, "void *", address)
    # Before 5.8 (fe557319aa06), probe_kernel_read().
    names = "copy_from_kernel_nofault", "__probe_kernel_read"
    name = next(name for name in names if prog.symbols(name))
    assert call_function(prog, name, buffer, source, size) == 0
    data: bytes = buffer.object.to_bytes_()
    return data[:size]


def allocate(prog: Program, size: int) -> Object:
    try:
        return call_function(prog, "vmalloc", size)
    except LookupError:  # since 6.10 (88ae5fb755b0)
        return call_function(prog, "vmalloc_noprof", size)


def test_write_memory(prog: Program, guest: Agent) -> None:
    name = prog["init_uts_ns"].name.domainname
    write_memory(prog, name.address_, b"first.example\0")
    assert guest.read("/proc/sys/kernel/domainname") == b"first.example\n"
    write_memory(prog, name.address_ + 2, b"sh")
    assert guest.read("/proc/sys/kernel/domainname") == b"fisht.example\n"


def test_write_much(prog: Program) -> None:
    data = bytes(range(256)) * 300
    buffer = allocate(prog, len(data))
    write_memory(prog, buffer, data)
    assert read(prog, buffer.value_(), len(data)) == data
    call_function(prog, "vfree", buffer)


def test_write_faults(prog: Program) -> None:
    unmapped = 0xFFFFFFFF00000000 - 4096
    for address in (prog["vermagic"].address_, unmapped):
        with pytest.raises(FaultError, match="could not write") as caught:
            write_memory(prog, address, b"x")
        assert caught.value.address == address


def test_write_object(prog: Program, guest: Agent) -> None:
    levels = prog["console_printk"]
    write_object(levels[0], 3)
    write_object(levels[3], Object(prog, "long", 6))
    printed = guest.read("/proc/sys/kernel/printk").split()
    assert (printed[0], printed[3]) == (b"3", b"6")
    write_object(levels + 3, 7, dereference=True)
    assert guest.read("/proc/sys/kernel/printk").split()[3] == b"7"
    write_object(prog["init_uts_ns"].name.domainname, b"as an array")
    assert guest.read("/proc/sys/kernel/domainname") == b"as an array\n"


def test_write_bit_fields(prog: Program) -> None:
    memory = allocate(prog, 8)
    address = memory.value_()
    write_memory(prog, address, b"\x00\xff\x00\xff")

    def field(offset: int, size: int) -> Object:
        return Object(
            prog, "int", address=address, bit_offset=offset, bit_field_size=size
        )

    write_object(field(3, 1), -1)
    write_object(field(11, 1), 0)
    write_object(field(16, 8), 0x5A)
    write_object(field(31, 1), Object(prog, "int", 0))
    assert read(prog, address, 4) == b"\x08\xf7\x5a\x7f"
    call_function(prog, "vfree", memory)
    unmapped = 0xFFFFFFFF00000000 - 4096
    bit = Object(prog, "int", address=unmapped, bit_offset=9, bit_field_size=1)
    with pytest.raises(FaultError) as caught:
        write_object(bit, 1)
    assert caught.value.address == unmapped + 1


def test_results(prog: Program) -> None:
    done = call_function(prog, "kstrtoint", "no number", 10, pass_pointer(0))
    assert (done.type_.type_name(), done.value_()) == ("int", -22)
    root = call_function(prog, "capable", 21)
    assert (root.type_.type_name(), root.value_()) == ("bool", True)
    assert call_function(prog, prog["schedule"]).absent_
    assert call_function(prog, prog["schedule"].address_of_()).absent_
    now = call_function(prog, "ktime_get")
    assert now.value_() > 1_000_000_000
    task = call_function(prog, "get_task_pid", prog["init_task"].address_of_(), 0)
    assert task.type_.type_name() == "struct pid *"
    call_function(prog, "put_pid", task)


def test_pass_pointer(prog: Program) -> None:
    number = pass_pointer(0)
    assert call_function(prog, "kstrtoint", b"-42", 10, number) == 0
    assert repr(number.object) == "Object(prog, 'int', value=-42)"
    truth = pass_pointer(False)
    assert call_function(prog, "kstrtobool", "yes", truth) == 0
    assert repr(truth.object) == "Object(prog, 'bool', value=True)"
    number = pass_pointer(Object(prog, "unsigned long long", 0))
    assert call_function(prog, "kstrtoull", "0x123456789abcdef0", 0, number) == 0
    assert number.object.value_() == 0x123456789ABCDEF0
    time = pass_pointer({"tv_sec": 0, "tv_nsec": -1})
    call_function(prog, "ktime_get_real_ts64", time)
    assert time.object.tv_sec > 1_600_000_000
    assert 0 <= time.object.tv_nsec.value_() < 1_000_000_000


def test_arguments_on_the_stack(prog: Program) -> None:
    text = pass_pointer(bytes(40))
    numbers = [Object(prog, "short", -4), 5, True, Object(prog, "char", 7), 1 << 40]
    form = "%d %d %d %d %lld %s %d"
    size = call_function(prog, "snprintf", text, 40, form, *numbers, "end", -1)
    expected = b"-4 5 1 7 1099511627776 end -1"
    assert text.object.string_() == expected
    assert size == len(expected)


def test_arrays_and_functions_as_arguments(prog: Program) -> None:
    text = pass_pointer(bytes(80))
    name = prog["init_task"].comm  # in memory: by its address
    copy = name.read_()  # a value: a copy
    function = prog["schedule"]
    form = "%s %s %ps"
    call_function(prog, "snprintf", text, 80, form, name, copy, function)
    assert text.object.string_() == b"swapper/0 swapper/0 schedule"


def test_calls_in_order(prog: Program) -> None:
    first, second = pass_pointer(0), pass_pointer(0)
    call_functions(
        prog,
        [
            ("kstrtoint", "1", 10, first),
            ("kstrtoint", "2", 10, second),
            ("kstrtoint", "3", 10, first),
        ],
    )
    assert (first.object.value_(), second.object.value_()) == (3, 2)


def test_nothing_stays(prog: Program, guest: Agent) -> None:
    before = guest.read("/proc/modules")
    call_function(prog, "schedule")
    assert guest.read("/proc/modules") == before
    # TAINT_OOT_MODULE and TAINT_UNSIGNED_MODULE: nothing was forced.
    assert int(guest.read("/proc/sys/kernel/tainted")) & ~(1 << 12 | 1 << 13) == 0
