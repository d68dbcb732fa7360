"""Live processes, and cores that gcore makes of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import drgn
from drgn import Program
from drgn.engine.errors import FaultError, UnsupportedOperation
from drgn.engine.flags import ProgramFlags
from drgn.engine.memory.memory import Memory
from drgn.engine.memory.search import search_bytes
from drgn.engine.targets.open import open_core
from drgn.engine.targets.process import ProcessTarget

_SOURCE = r"""
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
char data[] = "a string " "to be found";
static void *work(void *ready)
{
    prctl(PR_SET_NAME, "worker");
    pthread_barrier_wait(ready);
    for (;;)
        pause();
}
int main(void)
{
    pthread_barrier_t ready;
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&thread, NULL, work, &ready);
    pthread_barrier_wait(&ready);
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(two, 'x', 8192);
    munmap(two + 4096, 4096);
    printf("%p %p\n", (void *)data, (void *)two);
    fflush(stdout);
    for (;;)
        pause();
}
"""


class _Process(NamedTuple):
    pid: int
    path: Path
    data: int
    page: int
    """A page with nothing behind it."""


@pytest.fixture
def process(compile_c: Callable[..., Path]) -> Iterator[_Process]:
    path = compile_c(_SOURCE, "-g", "-pthread")
    with subprocess.Popen([path], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        data, page = (int(word, 16) for word in child.stdout.readline().split())
        yield _Process(child.pid, path, data, page)
        child.kill()


def _attach(target: ProcessTarget) -> Memory:
    memory = Memory()
    target.attach(memory)
    return memory


def test_memory(process: _Process) -> None:
    memory = _attach(ProcessTarget(process.pid))
    assert memory.read_c_string(process.data) == b"a string to be found"
    assert memory.read_array(process.page, 4096).tobytes() == b"x" * 4096
    rows, valid = memory.read_many([process.page, 0, process.data], 3)
    assert valid.tolist() == [True, False, True]
    assert rows[2].tobytes() == b"a s"
    with pytest.raises(FaultError):
        memory.page(process.page)
    assert not memory.pages


@pytest.mark.parametrize("address", [0, 2**47 - 4, 2**63, 2**64 - 8])
def test_faults(process: _Process, address: int) -> None:
    memory = _attach(ProcessTarget(process.pid))
    with pytest.raises(FaultError, match="could not read memory: ") as info:
        memory.read(address, 8)
    assert info.value.address == address


def test_the_last_byte_is_in_no_segment(process: _Process) -> None:
    memory = _attach(ProcessTarget(process.pid))
    with pytest.raises(FaultError, match="^could not find memory segment: 0xf{16}$"):
        memory.read(2**64 - 1, 1)


def test_fault_after_the_end_of_a_mapping(process: _Process) -> None:
    memory = _attach(ProcessTarget(process.pid))
    assert memory.read_c_string(process.page + 4090, 6) == b"xxxxxx"
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    if f"\n{process.page + 4096:x}-" in maps:
        pytest.skip("something else was mapped there")
    with pytest.raises(FaultError) as info:
        memory.read(process.page + 4090, 8)
    assert info.value.address == process.page + 4096


def test_what_is_known_of_it(process: _Process) -> None:
    target = ProcessTarget(process.pid)
    assert target.flags == ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
    names = [(thread.tid, target.thread_name(thread)) for thread in target.threads()]
    assert names[0] == (process.pid, process.path.name[:15])
    assert [name for _, name in names[1:]] == ["worker"]
    main = target.main_thread()
    assert main is not None and main.tid == process.pid
    assert target.thread(1) is None
    mappings = target.mappings()
    assert any(m.path == str(process.path) and m.file_offset == 0 for m in mappings)
    assert target.auxv()[6] == os.sysconf("SC_PAGE_SIZE")


def test_names_are_those_that_threads_have_now() -> None:
    prog = Program()
    prog.set_pid(os.getpid())
    thread = prog.main_thread()
    comm = Path(f"/proc/self/task/{os.getpid()}/comm")
    name = comm.read_text()
    try:
        comm.write_text("renamed")
        assert thread.name == "renamed"
    finally:
        comm.write_text(name)


def test_what_has_exited_has_no_name() -> None:
    process = subprocess.Popen(["sleep", "60"])
    prog = Program()
    prog.set_pid(process.pid)
    thread = prog.main_thread()
    process.kill()
    process.wait()
    with pytest.raises(FileNotFoundError, match="comm"):
        thread.name  # noqa: B018


def test_search_goes_through_what_is_mapped(process: _Process) -> None:
    memory = _attach(ProcessTarget(process.pid))
    assert process.data in list(search_bytes(memory, b"a string to be found\0"))


@pytest.mark.parametrize("pid", [0, -1, 2**31 - 1])
def test_no_such_process(pid: int) -> None:
    with pytest.raises(FileNotFoundError, match=f"/proc/{pid}/mem"):
        ProcessTarget(pid)
    with pytest.raises(FileNotFoundError, match=f"/proc/{pid}/mem"):
        Program().set_pid(pid)


@pytest.mark.skipif(shutil.which("gcore") is None, reason="no gcore")
def test_its_core_says_the_same(process: _Process, tmp_path: Path) -> None:
    prefix = tmp_path / "core"
    subprocess.run(
        ["gcore", "-o", prefix, str(process.pid)], check=True, capture_output=True
    )
    live, core = ProcessTarget(process.pid), open_core(f"{prefix}.{process.pid}")
    memory = Memory()
    core.attach(memory)
    assert memory.read_c_string(process.data) == b"a string to be found"
    assert memory.read(process.page, 4096) == _attach(live).read(process.page, 4096)
    assert core.platform == live.platform and core.auxv() == live.auxv()
    assert {t.tid for t in core.threads()} == {t.tid for t in live.threads()}
    main = core.main_thread()
    assert main is not None
    assert main.tid == process.pid and main.name is not None
    assert main.name[:15] == process.path.name[:15]
    assert main.registers is not None and len(main.registers) == 27 * 8
    mine = [m for m in live.mappings() if m.path == str(process.path)]
    assert [m for m in core.mappings() if m.path == str(process.path)] == mine


def test_write(process: _Process) -> None:
    memory = _attach(ProcessTarget(process.pid))
    memory.write(process.data, b"A")
    memory.write(process.page + 4090, bytes(6))
    assert memory.read(process.data, 8) == b"A string"
    assert memory.read(process.page + 4089, 7) == b"x" + bytes(6)
    with pytest.raises(FaultError) as caught:
        memory.write(process.page + 4094, b"1234")
    assert caught.value.address == process.page + 4096
    assert memory.read(process.page + 4094, 2) == b"12"


def test_program_writes(process: _Process) -> None:
    prog = drgn.program_from_pid(process.pid)
    prog["data"][0].write_(ord("B"))
    assert prog["data"].string_() == b"B string to be found"
    text = prog.symbol("main").address
    prog.write(text, prog.read(text, 4))
    with pytest.raises(UnsupportedOperation, match="cannot be run or stopped"):
        prog.resume()
