"""The crash commands about memory and structures, by what the memory holds."""

from __future__ import annotations

import signal
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from lab.manifest import Lab

from drgn import NULL, FaultError, Program
from drgn.commands import CommandArgumentError, CommandError, run_command
from drgn.helpers import ValidationError
from drgn.helpers.linux.pid import find_task, for_each_task
from drgn.helpers.linux.slab import SlabObjectInfo, slab_object_info

#: Where the tests put structures of their own, which no kernel has there.
BASE = 0x10000


@pytest.fixture(scope="module")
def memory() -> bytearray:
    return bytearray(0x2000)


@pytest.fixture(scope="module")
def kernel(lab: Lab, memory: bytearray) -> Iterator[Program]:
    prog = Program()
    prog.set_core_dump(lab.dump("panic.elf"))
    prog.load_debug_info([lab.vmlinux])

    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        return bytes(memory[offset : offset + count])

    prog.add_memory_segment(BASE, len(memory), read)
    yield prog


@pytest.fixture
def prog(kernel: Program, memory: bytearray) -> Program:
    kernel.config.clear()
    memory[:] = bytes(len(memory))
    return kernel


@pytest.fixture
def lines(
    prog: Program, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], list[str]]:
    """Runs a command, and returns the lines that it printed."""

    def lines(command: str) -> list[str]:
        capsys.readouterr()
        run_command(prog, f"crash {command}")
        return capsys.readouterr().out.splitlines()

    return lines


@pytest.fixture
def put(memory: bytearray) -> Callable[..., None]:
    """Puts words into the memory that the tests have."""

    def put(address: int, *words: int) -> None:
        struct.pack_into(f"<{len(words)}Q", memory, address - BASE, *words)

    return put


@pytest.fixture
def bounded() -> Iterator[None]:
    """Ends what hangs."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it does not end")

    old = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


Lines = Callable[[str], list[str]]
Put = Callable[..., None]


def test_rd(prog: Program, lines: Lines) -> None:
    start = prog.symbol("linux_banner").address
    banner = prog.read(start, 64)
    words = [banner[i : i + 8][::-1].hex() for i in (0, 8)]
    assert lines("rd linux_banner 2") == [
        f"{start:x}:  {words[0]} {words[1]}   {banner[:16].decode()}"
    ]
    assert lines("rd -8 linux_banner 3") == [f"{start:x}:  4c 69 6e" + " " * 42 + "Lin"]
    assert lines("rd -a linux_banner 61") == [
        f"{start:x}:  {banner[:60].decode()}",
        f"{start + 60:x}:  {banner[60:61].decode()}",
    ]
    # A part of a word is that word.
    for end in (start, start + 1, start + 8, start + 15):
        assert lines(f"rd -x -e {end:x} linux_banner") == [f"{start:x}:  {words[0]}"]
    assert lines("rd -R -8 linux_banner 1 -x") == [f"{start:x}:  4c"]
    assert lines("rd -8 -o -1 linux_banner 2 -x") == [f"{start - 1:x}:  00 4c"]
    assert lines("rd -p 1000 -x") == [
        f"{0x1000:16x}:  {prog.read(0x1000, 8, True)[::-1].hex()}"
    ]


def test_rd_of_user_space(prog: Program, lines: Lines, put: Put) -> None:
    put(BASE, 0x41)
    run_command(prog, "crash set 2")
    with pytest.raises(Exception, match=r"."):
        lines("rd 400000")  # A kernel thread has none.
    run_command(prog, "crash set 1")
    assert lines("rd -32 400000")[0].split()[1] == "464c457f"


def test_objects_of_slob(
    prog: Program, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has slabs, but no caches; nobody knows where in them an object begins."""

    def of_slob(prog: Program, address: int) -> SlabObjectInfo | None:
        info = slab_object_info(prog, address)
        null = NULL(prog, "struct kmem_cache *")
        return None if info is None else SlabObjectInfo(null, info.slab, 0, None)

    leader = find_task(prog, 1).group_leader
    task, place = leader.value_(), f"{leader.address_:x}"
    info = slab_object_info(prog, task)
    assert info is not None
    cache = info.slab_cache.name.string_().decode()
    assert lines(f"rd -SS {place}")[0].endswith(f"[{task:x}:{cache}]")
    slab = lines(f"kmem -s {task:x}")
    stack = lines("bt -F 1")
    for module in ("_slab_names", "_kmem_identify"):
        name = f"drgn.commands.crash.{module}.slab_object_info"
        monkeypatch.setattr(name, of_slob)
    assert lines(f"rd -SS {place}")[0].endswith(f" {task:016x}")
    assert slab[4] == "  FREE / [ALLOCATED]"
    assert lines(f"kmem -s {task:x}") == slab[2:4]
    assert any("[" in line.partition(":")[2] for line in stack)
    assert not any("[" in line.partition(":")[2] for line in lines("bt -F 1")[1:])


def test_rd_writes_a_file(prog: Program, lines: Lines, tmp_path: object) -> None:
    path = f"{tmp_path}/raw"
    start = prog.symbol("linux_banner").address
    size = 3 << 20
    assert lines(f"rd -r {path} linux_banner {size}") == [
        f"{size} bytes copied from {start:#x} to {path}"
    ]
    with open(path, "rb") as file:
        assert file.read() == prog.read(start, size)


@pytest.mark.usefixtures("bounded")
def test_rd_of_more_than_there_is(
    prog: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "raw"
    for words in ("", "-p 1000", "-32", f"-r {raw}"):
        start = "" if "-p" in words else "init_task"
        with pytest.raises(FaultError):
            run_command(prog, f"crash rd {words} {start} 100000000000")
    assert capsys.readouterr().out == ""
    assert not raw.exists()


def test_rd_past_the_last_address(prog: Program) -> None:
    with pytest.raises(FaultError, match=r": 0xffffffffffffffff$") as raised:
        run_command(prog, "crash rd ffffffffffffffff")
    assert raised.value.address == 0xFFFFFFFFFFFFFFFF


def test_search(prog: Program, lines: Lines) -> None:
    task = find_task(prog, 1).value_()
    data = prog.read(task, 8192)
    init_task = prog["init_task"].address_
    expected = [
        task + i
        for i in range(0, 8192, 8)
        if data[i : i + 8] == init_task.to_bytes(8, "little")
    ]
    found = lines(f"search -s {task:x} -l 8192 {init_task:x}")
    assert found == [f"{address:x}: {init_task:x}" for address in expected]
    comm = find_task(prog, 1).comm.address_
    assert f"{comm:x}: init" in [
        line[: len(f"{comm:x}: init")]
        for line in lines(f"search -s {task:x} -l 8192 -c init")
    ]
    assert lines(f"search -s {task:x} -l 8192 -c no_such_text_there") == []


def test_search_of_strings_that_are_near_one_another(
    lines: Lines, memory: bytearray
) -> None:
    """A line has 56 bytes of what follows, where upstream's have no other string."""
    memory[:] = bytes(len(memory))
    offsets = [0, 4, 51, 56, 100, 112]
    for offset in offsets:
        memory[offset : offset + 4] = b"here"
    found = lines(f"search -s {BASE:x} -l {len(memory)} -c here")
    addresses = [int(line.split(":")[0], 16) for line in found]
    assert addresses == [BASE + offset for offset in offsets]


def test_search_of_stacks(prog: Program, lines: Lines) -> None:
    expected = []
    size = prog["THREAD_SIZE"].value_()
    needle = prog["init_task"].address_.to_bytes(8, "little")
    for task in for_each_task(prog, idle=True):
        if task.stack:
            data = prog.read(task.stack, size)
            count = sum(data[i : i + 8] == needle for i in range(0, size, 8))
            expected += [f"PID: {task.pid.value_()} "] * bool(count) + [""] * count
    found = [
        line.partition(" ")[0] + " " + line.split()[1] + " " if "TASK" in line else ""
        for line in lines("search -t init_task")
        if line
    ]
    assert found == expected


def test_context_at_the_end_of_memory(prog: Program, lines: Lines, put: Put) -> None:
    last = BASE + 0x2000 - 8
    put(last, 0x1234567887654321)
    found = lines(f"search -s {BASE:x} -l 8192 -x 1 1234567887654321")
    assert found == [
        f"{last - 8:16x}:  {0:016x}" + " " * 20 + "." * 8,
        f"{last:16x}:  1234567887654321",
    ]


@pytest.mark.usefixtures("bounded")
def test_long_list(lines: Lines, memory: bytearray) -> None:
    count = len(memory) // 8
    following = [BASE + 8 * (i + 1) for i in range(count - 1)]
    struct.pack_into(f"<{count}Q", memory, 0, *following, 0)
    found = lines(f"list {BASE:x}")
    assert found == [f"{BASE + 8 * i:x}" for i in range(count)]


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("option", ["", "-h", "-H"])
def test_list_in_a_circle(
    prog: Program, put: Put, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(BASE, BASE + 0x10)
    put(BASE + 0x10, BASE + 0x20)
    put(BASE + 0x20, BASE + 0x30)
    put(BASE + 0x30, BASE + 0x20)
    with pytest.raises(CommandError, match="runs in a circle: 10030 leads back to 100"):
        run_command(prog, f"crash list {option} {BASE:x}")
    assert capsys.readouterr().out.split()[-1] == "10030"


def test_list_of_list_heads_that_a_null_ends(lines: Lines, put: Put) -> None:
    end = ["", "invalid list entry: 0"]
    put(BASE, BASE + 0x10)
    assert lines(f"list {BASE:x}") == [f"{BASE:x}", f"{BASE + 0x10:x}"]
    assert lines(f"list -h {BASE:x}") == [f"{BASE:x}", f"{BASE + 0x10:x}", *end]
    assert lines(f"list -H {BASE:x}") == [f"{BASE + 0x10:x}", *end]
    assert lines(f"list -H -r {BASE:x}") == end
    assert lines(f"list -H -e {BASE + 0x10:x} {BASE:x}") == ["(empty)"]


def test_empty_list(lines: Lines, put: Put) -> None:
    put(BASE, BASE, BASE)
    for options in ("-H", "-H -r", "-H -s list_head.next", "-h -O 0"):
        assert lines(f"list {options} {BASE:x}") == ["(empty)"]
    put(BASE, BASE + 0x10, BASE + 0x10)
    put(BASE + 0x10, BASE, BASE)
    assert lines(f"list -H {BASE:x} -e {BASE + 0x10:x}") == ["(empty)"]
    assert lines(f"list -H {BASE:x}") == [f"{BASE + 0x10:x}"]


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("option", ["", "-l"])
def test_tree_in_a_circle(
    prog: Program, put: Put, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(BASE, BASE + 0x10)
    put(BASE + 0x10, 1, BASE + 0x30, 0)
    put(BASE + 0x30, BASE + 0x10, 0, BASE + 0x10)
    with pytest.raises(ValidationError):
        run_command(prog, f"crash tree {option} {BASE:x}")
    assert len(capsys.readouterr().out.splitlines()) < 1000


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("rd deadbeef0000", FaultError),
        ("rd -p fffffffffffff000", FaultError),
        ("rd -p linux_banner", CommandArgumentError),
        ("rd -o -1000000 1000", ValueError),
        ("rd -e 1 2", ValueError),
        ("rd 0 ffffffffffff", CommandArgumentError),
        ("rd ffffffffffffffff 99999999", Exception),
        ("rd runqueues:0", CommandArgumentError),
        ("rd init_task -5", CommandArgumentError),
        ("rd -N -s -8 init_task", CommandArgumentError),
        ("search -s 10 -e 1 5", ValueError),
        ("search -x -1 5", CommandArgumentError),
        ("search -w 100000000", ValueError),
        ("search -s deadbeef0000 -l 4096 5", FaultError),
        ("list deadbeef0000", FaultError),
        ("list -H deadbeef0000", FaultError),
        ("list a b c", CommandArgumentError),
        ("tree deadbeef0000", FaultError),
        ("tree -t x deadbeef0000", FaultError),
        # Before 6.1 there are no maple trees.
        ("tree -t m deadbeef0000", (FaultError, LookupError)),
        ("tree -t z 0", CommandArgumentError),
        ("vtop -c 99999 0", LookupError),
        ("vtop -c 99999 ffffffffffffffff", LookupError),
        ("ptov ffffffffffffffff", ValueError),
        ("struct task_struct deadbeef0000", FaultError),
        ("struct task_struct ffffffffffffffff", FaultError),
        ("eval 1/0", CommandError),
        ("eval 99999999999999999999", CommandError),
        ("p init_task[99999999999].pid", Exception),
        ("p a..b", CommandArgumentError),
        ("p (1)", SyntaxError),
        ("whatis a b c", CommandError),
        ("ascii 12345678901234567890", CommandArgumentError),
    ],
)
@pytest.mark.usefixtures("bounded")
def test_bad_input(
    prog: Program,
    line: str,
    error: type[Exception] | tuple[type[Exception], ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = f"crash {line} > /dev/null"
    with pytest.raises(error) as info:
        run_command(prog, run)
    assert str(info.value).strip() and "\n" not in str(info.value)
