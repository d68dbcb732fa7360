"""A stock GDB on what drgn opens, through ``drgn gdbserver``."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.manifest import Lab

import drgn
from drgn import Program
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.pid import find_task, for_each_task
from drgn.helpers.linux.sched import cpu_curr
from drgn.standalone.gdbserver.packets import Connection
from drgn.standalone.gdbserver.server import Server
from drgn.standalone.gdbserver.threads import crashed_number

SOURCE = """
struct pair { int first; const char *text; };
struct pair gs_pair = {7, "some text"};
static int gs_fall(struct pair *pair, int depth)
{
    if (!depth)
        *(volatile int *)0 = pair->first;
    return gs_fall(pair, depth - 1) + 1;
}
int main(void) { return gs_fall(&gs_pair, 2); }
"""

QUESTIONS = (
    "bt",
    "p gs_pair",
    "p *pair",
    "p &gs_pair",
    "info registers rip rsp rax eflags",
    "x/2i $pc",
    "x/4xb &gs_pair",
    "frame 3",
    "p *(int *)0",
)
DRGN = [sys.executable, "-m", "drgn", "gdbserver", "-q"]


def gdb(*commands: str, start: tuple[str | Path, ...] = ()) -> str:
    arguments: list[str | Path] = ["gdb", "-nx", "-batch", "-iex"]
    arguments += ["set debuginfod enabled off", *start]
    for command in commands:
        arguments += ["-ex", command]
    return subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    ).stdout


def pipe(*arguments: str | Path) -> str:
    return "target remote | " + " ".join(map(str, [*DRGN, *arguments]))


@pytest.fixture(scope="module")
def core(
    compile_c: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    program = compile_c(SOURCE)
    path = tmp_path_factory.mktemp("gdbserver") / "core"
    gdb("run", f"generate-core-file {path}", start=(program,))
    return program, path


@pytest.fixture(scope="module")
def prog(core: tuple[Path, Path]) -> Program:
    prog = Program()
    prog.set_core_dump(core[1])
    prog.load_debug_info([core[0]])
    return prog


def answers(prog: Program, *packets: bytes) -> list[bytes]:
    server = Server(prog, Connection(io.BytesIO(), io.BytesIO()))
    return [server.answer(packet) for packet in packets]


def test_a_core_is_what_gdb_reads_itself(core: tuple[Path, Path]) -> None:
    """The executable is loaded elsewhere than it was linked."""
    program, path = core
    marked = [part for each in QUESTIONS for part in (f"echo > {each}\\n", each)]
    itself = gdb(*marked, start=(program, path)).partition("> bt\n")[2]
    remote = gdb(pipe("-c", path), *marked, start=(program,)).partition("> bt\n")[2]
    assert "gs_fall (pair=" in itself
    assert remote.partition("[Inferior 1")[0] == itself


def test_over_a_port(core: tuple[Path, Path]) -> None:
    program, path = core
    with subprocess.Popen(
        [*DRGN, "--listen", ":0", "-c", str(path)], stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        waiting = server.stderr.readline()
        port = re.fullmatch(r"waiting for GDB at \S+:(\d+)\n", waiting)
        assert port is not None
        output = gdb(
            f"target remote localhost:{port[1]}", "p gs_pair.first", start=(program,)
        )
        assert server.wait(60) == 0
    assert "$1 = 7\n" in output


def test_a_process(compile_c: Callable[..., Path]) -> None:
    source = "#include <unistd.h>\nint gs_live = 5;\nint main(void) { pause(); }\n"
    program = compile_c(source)
    with subprocess.Popen([program]) as child:
        try:
            output = gdb(
                pipe("-p", str(child.pid)), "p gs_live", "p &gs_live", start=(program,)
            )
        finally:
            child.kill()
    assert "$1 = 5\n" in output


def test_what_cannot_be_done_is_said(core: tuple[Path, Path]) -> None:
    program, path = core
    output = gdb(
        pipe("-c", path),
        "set var gs_pair.first = 8",
        "monitor reset",
        "p gs_pair.first",
        start=(program,),
    )
    assert "Cannot access memory at address 0x" in output
    assert "drgn gdbserver has no monitor commands" in output
    assert "$1 = 7\n" in output


# A kernel's dump, which no GDB reads: compressed, and moved by KASLR.


@pytest.fixture(scope="module")
def asked(each_lab: Lab) -> str:
    """What GDB says of a lab's dump."""
    dump = each_lab.dump("live.kdump.zlib")
    commands = [
        "p init_task.comm",
        "p &init_task",
        "info threads",
        "thread apply 6 bt",
    ]
    remote = pipe("-c", dump, "-s", each_lab.vmlinux)
    start = ("-iex", "set language c", each_lab.vmlinux)
    return gdb("set pagination off", remote, *commands, start=start)


def test_symbols_are_moved_with_the_kernel(asked: str, live: Program) -> None:
    address = live["init_task"].address_
    assert '$1 = "swapper/0' in asked
    assert f"$2 = (struct task_struct *) {address:#x} <init_task>" in asked


def test_tasks_are_threads(asked: str, live: Program) -> None:
    """What the CPUs run comes first, in their order."""
    listed = re.findall(r"^[ *] (\d+) +Thread (\d+) \((.*?)\) +", asked, re.M)
    tasks = [cpu_curr(live, cpu) for cpu in for_each_online_cpu(live)]
    running = {task.value_() for task in tasks}
    tasks += [task for task in for_each_task(live) if task.value_() not in running]
    names = [task.comm.string_().decode() for task in tasks]
    assert len(listed) == len(tasks)
    for (_, number, text), task, name in zip(listed, tasks, names, strict=True):
        pid = task.pid.value_()
        if pid:
            assert (int(number), text) == (pid, name)
        else:
            assert text == f"{name} (0)"


def test_stacks_of_sleeping_tasks(asked: str, live: Program) -> None:
    number = re.search(r"^Thread 6 \(Thread (\d+) \(.*\)\):$", asked, re.M)
    assert number is not None
    task = find_task(live, int(number[1]))
    expected = [frame.name for frame in live.stack_trace(task) if frame.name]
    behind = asked[number.end() :]
    found = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\w+) \(", behind, re.M)
    assert found[: len(expected)] == expected


# Packets.


def test_registers_that_are_not_known(prog: Program) -> None:
    general, control = answers(prog, b"p10", b"p20")
    frame = prog.crashed_thread().stack_trace()[0]
    assert int.from_bytes(bytes.fromhex(general.decode()), "little") == frame.pc
    assert control == b"xxxxxxxx"
    assert answers(prog, b"p28", b"pzz") == [b"E01", b"E01"]
    (every,) = answers(prog, b"g")
    assert len(every) == 2 * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4)


def test_memory_up_to_what_cannot_be_read(prog: Program) -> None:
    address = prog["gs_pair"].address_
    assert address is not None
    data = prog.read(address, 16).hex().encode()
    assert answers(prog, b"m%x,10" % address) == [data]
    end = address
    while True:
        try:
            prog.read_u8(end)
        except drgn.FaultError:
            break
        end += 4096 - end % 4096
    assert answers(prog, b"m%x,10" % (end - 4)) == [
        prog.read(end - 4, 4).hex().encode()
    ]
    assert answers(prog, b"m%x,4" % end, b"m0,4") == [b"E0e", b"E0e"]
    assert answers(prog, b"m0", b"mx,y", b"m-5,4") == [b"E01", b"E01", b"E01"]


def test_threads_are_selected_by_number(prog: Program) -> None:
    tid = prog.main_thread().tid
    assert answers(prog, b"qC", b"Hg%x" % tid, b"Hg0", b"T%x" % tid) == [
        b"QC%x" % tid,
        b"OK",
        b"OK",
        b"OK",
    ]
    assert answers(prog, b"Hg7fffffff", b"T7fffffff", b"H", b"T") == [b"E01"] * 4
    assert answers(prog, b"qfThreadInfo", b"qsThreadInfo")[0] == b"m%x" % tid


def test_the_thread_that_crashed_comes_first(panicked: Program) -> None:
    crashed = panicked.crashed_thread()
    (stopped,) = answers(panicked, b"?")
    assert stopped == b"T05thread:%x;" % crashed.tid
    pc = crashed.stack_trace()[0].pc
    assert answers(panicked, b"p10") == [pc.to_bytes(8, "little").hex().encode()]


def test_a_crashed_idle_task_is_told_by_its_address() -> None:
    """All of them have PID 0."""
    prog = Program(drgn.Platform(drgn.Architecture.X86_64))
    task = prog.struct_type("task_struct", 0, ())
    idle = [
        SimpleNamespace(tid=0, object=drgn.Object(prog, prog.pointer_type(task), at))
        for at in (0x1000, 0x2000)
    ]
    crashing = SimpleNamespace(crashed_thread=lambda: idle[1])
    numbers = {0x40000000: idle[0], 0x40000001: idle[1]}
    assert crashed_number(crashing, numbers) == 0x40000001  # type: ignore[arg-type]


def test_a_kernel_without_its_tasks(each_lab: Lab) -> None:
    """Memory can be read where there is no debugging information."""
    prog = Program()
    prog.set_core_dump(each_lab.dump("live.kdump.zlib"))
    assert answers(prog, b"?", b"qfThreadInfo", b"g")[:2] == [b"S05", b"l"]


def test_unknown_packets_are_empty(prog: Program) -> None:
    packets = (b"vMustReplyEmpty", b"vCont?", b"qTStatus", b"Z0,0,1", b"")
    assert answers(prog, *packets) == [b""] * len(packets)


@given(st.sampled_from(b"qHTgpmcGD?QXv"), st.binary(max_size=40))
def test_no_packet_ends_the_server(start: int, rest: bytes) -> None:
    prog = Program(drgn.Platform(drgn.Architecture.X86_64))
    (answer,) = answers(prog, bytes((start,)) + rest)
    assert isinstance(answer, bytes)


# The command line.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listen", "nowhere"], "'nowhere' is not [HOST]:PORT"),
        (["--listen", ":70000"], "':70000' is not [HOST]:PORT"),
        (["-e", "1"], "gdbserver runs no script"),
        (["script.py"], "gdbserver runs no script"),
        (["-c", "no/such/file"], "No such file or directory"),
    ],
)
def test_wrong_command_lines(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [*DRGN, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_help() -> None:
    done = subprocess.run([*DRGN, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: drgn gdbserver [--listen [HOST]:PORT]")
