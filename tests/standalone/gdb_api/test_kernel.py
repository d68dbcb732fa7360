"""GDB's scripts on a kernel's dump, written as those that come with it are."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.manifest import Lab

import drgn
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.standalone.gdb_api import finder
from drgn.standalone.gdb_api.execute import execute
from drgn.standalone.gdb_api.session import Session, current

from .conftest import forget_module

SCRIPT = r'''
import gdb


class Cached:
    def __init__(self, name):
        self._name, self._type = name, None

    def forget(self, event):
        self._type = None
        gdb.events.new_objfile.disconnect(self.forget)

    def get(self):
        if self._type is None:
            self._type = gdb.lookup_type(self._name)
            gdb.events.new_objfile.connect(self.forget)
        return self._type


task_type, long_type = Cached("struct task_struct"), Cached("long")


def offset_of(type_, field):
    return int(str(gdb.Value(0).cast(type_)[field].address).split()[0], 16)


def container_of(pointer, type_, field):
    offset = offset_of(type_, field)
    return (pointer.cast(long_type.get()) - offset).cast(type_)


def entries(head, type_, field):
    node = head["next"].dereference()
    while node.address != head.address:
        yield container_of(node.address, type_, field)
        node = node["next"].dereference()


class Processes(gdb.Command):
    """List processes.

They are not the threads."""

    def __init__(self):
        super().__init__("team-ps", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        init = gdb.parse_and_eval("init_task").address
        pointer = task_type.get().pointer()
        for task in entries(init["tasks"], pointer, "tasks"):
            if words and task["comm"].string() != words[0]:
                continue
            gdb.write("{} {:>5} {}\n".format(
                task.format_string().split()[0],
                task["pid"].format_string(), task["comm"].string()))


class Raw(gdb.Command):
    def __init__(self):
        super().__init__("team-raw", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        inferior = gdb.inferiors()[0]
        field = task_type.get()["comm"]
        start = int(gdb.parse_and_eval("&init_task")) + field.bitpos // 8
        data = inferior.read_memory(start, field.type.sizeof)
        print(data.tobytes().partition(b"\0")[0].decode())
        endian = gdb.execute("show endian", to_string=True)
        print("little endian" in endian, gdb.parameter("pagination"))
        if argument:
            raise gdb.GdbError("team-raw takes no argument")


class PerCpu(gdb.Function):
    """Return a variable of a CPU."""

    def __init__(self):
        super().__init__("team_per_cpu")

    def invoke(self, name, cpu=0):
        pointer = gdb.parse_and_eval("&" + name.string())
        offset = gdb.parse_and_eval("__per_cpu_offset[{}]".format(int(cpu)))
        moved = pointer.cast(long_type.get()) + offset
        return moved.cast(pointer.type).dereference()


Processes()
Raw()
PerCpu()
'''

COMMANDS = r"""
define procs
  set $offset = (size_t)&((struct task_struct *)0)->tasks
  set $init = &init_task
  set $task = (struct task_struct *)((char *)($init->tasks.next) - $offset)
  while $task != $init
    printf "%d %s\n", $task->pid, $task->comm
    set $task = (struct task_struct *)((char *)($task->tasks.next) - $offset)
  end
end
procs
"""


@pytest.fixture
def kernel(live: drgn.Program, tmp_path: Path) -> Iterator[Session]:
    finder.install()
    drgn.set_default_prog(live)
    script = tmp_path / "team.py"
    script.write_text(SCRIPT)
    execute(f"source {script}")
    yield current()
    drgn.set_default_prog(None)
    forget_module()


def printed(line: str) -> str:
    return execute(line, to_string=True) or ""


def processes(prog: drgn.Program) -> list[drgn.Object]:
    init = prog["init_task"]
    return list(
        list_for_each_entry("struct task_struct", init.tasks.address_of_(), "tasks")
    )


def test_processes_of_a_script(kernel: Session) -> None:
    expected = "".join(
        f"{task.value_():#x} {task.pid.value_():>5} {task.comm.string_().decode()}\n"
        for task in processes(kernel.prog)
    )
    assert printed("team-ps") == expected
    assert printed("team-ps kthreadd").split()[1:] == ["2", "kthreadd"]
    assert printed("help team-ps") == "List processes.\n\nThey are not the threads.\n"


def test_a_file_of_commands_walks_processes(kernel: Session, tmp_path: Path) -> None:
    file = tmp_path / "procs.gdb"
    file.write_text(COMMANDS)
    assert printed(f"source {file}") == "".join(
        f"{task.pid.value_()} {task.comm.string_().decode()}\n"
        for task in processes(kernel.prog)
    )


def test_memory_and_failures(kernel: Session) -> None:
    assert printed("team-raw") == "swapper/0\nTrue False\n"
    with pytest.raises(RuntimeError, match="^team-raw takes no argument$"):
        execute("team-raw x", to_string=True)


def test_functions_in_expressions(kernel: Session) -> None:
    prog = kernel.prog
    for cpu in for_each_online_cpu(prog):
        queue = per_cpu(prog["runqueues"], cpu)
        line = f'p $team_per_cpu("runqueues", {cpu}).curr->pid'
        assert printed(line).split(" = ")[1] == f"{queue.curr.pid.value_()}\n"


def test_values_of_the_kernel(kernel: Session) -> None:
    prog = kernel.prog
    init = prog["init_task"].address_of_()
    assert re.fullmatch(
        rf"\$\d+ = \(struct task_struct \*\) {init.value_():#x} <init_task>\n",
        printed("p &init_task"),
    )
    name = r'"swapper/0\\000\\000\\000\\000\\000\\000"'
    assert re.fullmatch(rf"\$\d+ = {name}\n", printed("p init_task.comm"))
    banner = prog["linux_banner"].string_().decode().rstrip("\n")
    assert printed('printf "%s", linux_banner') == banner + "\n"
    assert printed("info symbol &init_task").startswith("init_task in section .data")
    function = prog["schedule"].address_
    assert printed("p schedule").endswith(f" {function:#x} <schedule>\n")
    assert printed(f"info symbol {function + 1:#x}").startswith("schedule + 1 in ")
    assert printed("whatis &init_task") == "type = struct task_struct *\n"


def test_threads_and_stacks(kernel: Session) -> None:
    tasks = {task.pid.value_(): task for task in for_each_task(kernel.prog)}
    threads = kernel.threads()
    assert {thread.tid for thread in threads} <= {0, *tasks}
    number = next(n for n, each in enumerate(threads, 1) if each.tid == 2)
    printed(f"thread {number}")
    trace = kernel.prog.stack_trace(2)
    lines = printed("bt").splitlines()
    assert len(lines) == len(trace)
    for line, frame in zip(lines, trace, strict=True):
        assert f"{frame.function_name or frame.name} (" in line
        place = frame.source() if frame.function_name else None
        assert place is None or f"{place.filename}:{place.line}" in line


def test_command_line(lab: Lab, tmp_path: Path) -> None:
    """``drgn -c DUMP FILE.gdb`` runs the file; what fails ends it with status 1."""
    good, bad = tmp_path / "good.gdb", tmp_path / "bad.gdb"
    good.write_text('printf "%s\\n", init_task.comm\npython print(prog.flags)\n')
    bad.write_text("p nosuch_name\n")
    command = [sys.executable, "-m", "drgn", "-q", "-c", str(lab.dump("live.elf"))]
    command += ["-s", str(lab.vmlinux)]
    done = subprocess.run(
        [*command, str(good)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("swapper/0\n")
    assert "IS_LINUX_KERNEL" in done.stdout
    done = subprocess.run([*command, str(bad)], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'No symbol "nosuch_name" in current context.' in done.stderr
    code = "import gdb; gdb.execute('p init_task.pid')"
    done = subprocess.run([*command, "-e", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "$1 = 0\n")


def test_current_task_of_a_cpu(kernel: Session) -> None:
    """Thread N is what CPU N-1 runs."""
    import gdb

    for cpu in for_each_online_cpu(kernel.prog):
        printed(f"thread {cpu + 1}")
        thread = gdb.selected_thread()
        running = per_cpu(kernel.prog["runqueues"], cpu).curr
        assert (thread.num, thread.ptid[1]) == (cpu + 1, running.pid.value_())


def test_lists_and_arrays_of_no_length(kernel: Session) -> None:
    import gdb

    modules = gdb.parse_and_eval("modules")
    node, count = modules["next"].dereference(), 0
    while node != modules:
        node, count = node["next"].dereference(), count + 1
    assert count > 20
    mask = kernel.prog["init_mm"].cpu_bitmap
    assert not mask.type_.length
    where = f"{mask.address_:#x} <init_mm+"
    assert printed("output init_mm.cpu_bitmap").startswith(where)
