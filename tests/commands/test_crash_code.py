"""What --drgn prints: it runs as it stands, and finds what the command shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from guest_facts import needs_modules
from lab.manifest import Lab

import drgn
from drgn import Object, Program, offsetof
from drgn.commands import CommandError, run_command
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import cmdline
from drgn.helpers.linux.pid import find_task
from drgn.helpers.linux.sched import cpu_curr, task_cpu

Run = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def prog(lab: Lab) -> Iterator[Program]:
    prog = Program()
    prog.set_core_dump(lab.dump("panic.elf"))
    prog.load_debug_info([lab.vmlinux])
    run_command(prog, "crash set 1 > /dev/null")
    yield prog


@pytest.fixture
def code(
    prog: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Runs the code of a command, and returns the variables that it leaves."""
    try:
        old: Program | None = drgn.get_default_prog()
    except drgn.NoDefaultProgramError:
        old = None
    drgn.set_default_prog(prog)

    def run(line: str) -> dict[str, Any]:
        names: dict[str, Any] = {"prog": prog}
        run_command(prog, f"crash {line} --drgn")
        text = capsys.readouterr().out
        assert text, line
        # What a body shall do stands there as "...": here, collect.
        text = re.sub(
            r"^( +)\.\.\.$", r"\1found.append(dict(locals()))", text, flags=re.M
        )
        names["found"] = []
        exec(compile(text, line, "exec"), names)
        assert capsys.readouterr().out == "", "the code prints nothing"
        return names

    yield run
    drgn.set_default_prog(old)


def addresses(names: dict[str, Any], name: str = "address") -> list[int]:
    return [int(each[name]) for each in names["found"]]


def _cpus_mask(prog: Program) -> str:
    """The name of what it is since 5.3 (3bd3706251ee)."""
    return "cpus_mask" if hasattr(prog["init_task"], "cpus_mask") else "cpus_allowed"


def test_struct(prog: Program, code: Run) -> None:
    mask = _cpus_mask(prog)
    names = code(f"struct task_struct.comm,pid,{mask}.bits[0] init_task")
    init_task = prog["init_task"]
    assert names["comm"].string_() == init_task.comm.string_()
    assert names["pid"] == 0
    assert names[f"{mask}_bits_0"] == init_task.member_(mask).bits[0]
    pid_1 = find_task(prog, 1)
    member = pid_1.tasks.address_of_().value_()
    assert code(f"struct -l task_struct.tasks task_struct.pid {member:x}")["pid"] == 1
    assert code(f"struct -l 8 list_head {member:x}")["object"].address_ == member - 8
    assert code(f"struct -l rq.cpu list_head {member:x}")["offset"] > 0
    last = code("struct list_head.next init_task 3")
    assert last["next"].address_ == init_task.address_ + 32
    assert code("struct list_head.next init_task -3")["next"].address_ == (
        init_task.address_
    )
    assert code("struct rq.cpu runqueues:a")["cpu"] == 1
    assert code("struct rq.nr_running runqueues:0")["cpu"] == 0
    assert code("struct rq.nr_running runqueues:")["cpu"] == task_cpu(
        find_task(prog, 1)
    )


def test_types(prog: Program, code: Run) -> None:
    names = code("struct list_head")
    assert (names["type"], names["size"]) == (prog.type("struct list_head"), 16)
    names = code("struct task_struct.se.avg,comm[3]")
    assert names["se_avg_type"].type_name() == "struct sched_avg"
    assert names["comm_3_offset"] == drgn.offsetof(
        prog.type("struct task_struct"), "comm[3]"
    )
    assert code("union sigval")["size"] == 8
    assert code("*sigval.sival_ptr")["sival_ptr_offset"] == 0
    assert code("whatis list_head")["size"] == 16
    assert code("whatis jiffies")["type"] == prog["jiffies"].type_
    assert "size" not in code("whatis void")


def test_p(prog: Program, code: Run) -> None:
    assert code("p jiffies")["object"] == prog["jiffies"]
    assert code(f"p init_task.{_cpus_mask(prog)}.bits[0]")["object"] == 1
    assert code("p runqueues.cpu:a")["object"] == 1
    assert code("p runqueues.cpu:0")["object"] == 0
    assert code("p runqueues.cpu:")["object"] == task_cpu(find_task(prog, 1))
    comm = code("p runqueues.curr.comm:0")["object"]
    assert comm == cpu_curr(prog, 0).comm
    assert code("p *init_task.tasks.next")["object"].type_.type_name() == (
        "struct list_head"
    )
    assert code("p '&init_task'")["object"] == prog["init_task"].address_of_()


def test_sym(prog: Program, code: Run) -> None:
    names = code("sym -p -n schedule")
    assert names["symbol"].name == "schedule"
    assert names["location"].filename.endswith("kernel/sched/core.c")
    assert names["previous_symbol"].address <= names["symbol"].address
    assert names["next_symbol"].address >= names["symbol"].address
    assert code("sym init_task")["location"] is None
    address = prog["init_task"].address_ + 8
    assert code(f"sym {address:x}")["symbol"].name == "init_task"
    inside = code("sym schedule+0x20/0x80")
    place = prog.symbol("schedule").address + 0x20
    assert inside["location"] == prog.source_location(place)[0]
    assert "jiffies" in {each.name for each in code("sym -q jiff")["matches"]}
    assert len(code("sym -l")["symbols"]) == len(prog.symbols())


def test_set(prog: Program, code: Run) -> None:
    cpu = task_cpu(find_task(prog, 1))
    for line, pid in (("set 2", 2), ("set", 1), (f"set -c {cpu}", 1), ("set -p", 1)):
        names = code(line)
        assert names["pid"] == pid
        assert names["panicked"] == (pid == 1)
    with pytest.raises(CommandError):
        code("set radix")


def test_eval(code: Run) -> None:
    names = code("eval 10 - 20")
    assert (names["decimal"], names["signed"]) == (2**64 - 10, -10)
    assert code("eval (1 << 12)")["decimal"] == 4096
    assert code("eval ~ff")["hexadecimal"] == "0xffffffffffffff00"
    assert code("eval 10k")["octal"] == "0o24000"
    assert code("eval -b 5")["bits_set"] == [0, 2]
    assert code("eval 010")["binary"] == "0b1010"


def test_numbers(prog: Program, code: Run) -> None:
    assert code("ascii 41 4443")["characters"] == b"CD\0\0\0\0\0\0"
    assert code("ascii")["characters"][0x41] == "A"
    assert code("btop 2fff")["pfn"] == 2
    assert code("btop 1000 2fff")["pfn"] == 2
    assert code("ptob 3 a")["address"] == 0xA000
    direct = find_task(prog, 1).value_()
    physical = code(f"vtop {direct:x}")["physical"].value_()
    assert prog.read(physical, 64, physical=True) == prog.read(direct, 64)
    assert code(f"ptov {physical:x}")["virtual"].value_() == direct
    assert code("ptov 1000:1")["virtual"].type_.type_name() == "void *"
    assert code("vtop 400000 0")["physical"] is None
    user = code("vtop -u 400000")["physical"]
    assert prog.read(user, 4, physical=True) == b"\x7fELF"


def test_rd(prog: Program, code: Run, tmp_path: Any) -> None:
    banner = prog["linux_banner"].string_()
    start = prog["linux_banner"].address_
    assert code("rd -8 linux_banner 20")["values"] == tuple(banner[:20])
    assert code("rd -N -16 linux_banner")["values"] == (0x4C69,)
    assert code("rd -o 6 -8 linux_banner 7")["memory"] == b"version"
    assert code("rd -R -8 linux_banner 3")["memory"] == prog.read(start - 2, 3)
    assert code(f"rd -e {start + 16:x} linux_banner")["memory"] == banner[:16]
    # The type of clang's array is that of a shorter one.
    banner = prog.read_c_string(start)
    assert code("rd -a linux_banner")["text"] == banner.rstrip(b"\n")
    assert code("rd -a linux_banner 5")["memory"] == b"Linux"
    assert code("rd -u 400000")["memory"][:4] == b"\x7fELF"
    init = find_task(prog, 1)
    argument = init.mm.arg_start.value_()
    assert code(f"rd -a {argument:x}")["text"] == cmdline(init)[0]
    physical = code(f"vtop {start:x}")["physical"].value_()
    assert code(f"rd -p -a {physical:x}")["text"] == banner.rstrip(b"\n")
    assert code("rd -p 1000")["memory"] == prog.read(0x1000, 8, physical=True)
    stack = offsetof(prog.type("struct task_struct"), "stack") // 8
    assert code(f"rd -s init_task {stack + 1}")["names"][stack].startswith(
        "task stack: 0 "
    )
    code(f"rd -r {tmp_path}/raw linux_banner 5")
    assert (tmp_path / "raw").read_bytes() == b"Linux"


def test_search(prog: Program, code: Run) -> None:
    task = find_task(prog, 1).value_()
    within = f"-s {task:x} -l 8192"
    data = prog.read(task, 8192)
    value = prog["init_task"].address_
    expected = [
        task + i
        for i in range(0, 8192, 8)
        if int.from_bytes(data[i : i + 8], "little") == value
    ]
    assert expected
    assert addresses(code(f"search {within} init_task")) == expected
    inits = [task + found.start() for found in re.finditer(b"init", data)]
    assert addresses(code(f"search {within} -c init")) == inits != []
    assert addresses(code(f"search {within} -c init nothing")) == inits
    assert len(code(f"search {within} -w 0")["found"]) > len(expected)
    assert len(code(f"search {within} -h -m ffff 0")["found"]) == 4096
    assert task + 0 not in addresses(code("search -p init_task"))
    for option in ("-t", "-T"):
        assert "stack_size" in code(f"search {option} init_task")


def test_list(prog: Program, code: Run) -> None:
    needs_modules(prog)
    modules = [
        each.value_()
        for each in list_for_each_entry(
            "struct module", prog["modules"].address_of_(), "list"
        )
    ]
    names = code("list -H modules -o module.list")
    assert addresses(names, "entry") == modules
    names = code("list -r -H modules -o module.list")
    assert addresses(names, "entry") == modules[::-1]
    names = code("list -H modules -o module.list -s module.name")
    assert (
        names["name"].address_ - prog.type("struct module").member("name").offset
        == modules[-1]
    )
    offset = drgn.offsetof(prog.type("struct module"), "list")
    second = modules[1] + offset
    assert addresses(code(f"list -H modules -e {second:x} -s module"), "address") == [
        modules[0] + offset
    ]
    assert addresses(
        code(f"list -H modules -o module.list -e {second:x}"), "entry"
    ) == [modules[0]]
    assert len(code("list modules -s module")["found"]) == len(modules) + 1
    assert len(code("list -h modules -s module")["found"]) == len(modules) + 1
    # Each points into the next one, not to it: only the first is known.
    names = code("list -o task_struct.tasks init_task -s task_struct.pid")
    assert names["found"] == [] and prog["init_task"].address_ in names["seen"]
    assert names["pid"].type_.type_name() == "pid_t"
    names = code("list -O task_struct.children -h init_task -o task_struct.sibling"
                 " -s task_struct.pid")  # fmt: skip
    assert names["pid"] == 2
    names = code("list -H modules -l module.list -s module.state")
    assert names["state"].type_.type_name() == "enum module_state"
    # The address of a module, where the links are to list_heads: a circle.
    names = code(f"list -o {offset} {modules[0]:x}")
    assert {0, modules[0], second} < names["seen"]
    assert names["node"] in names["seen"]


def test_tree(prog: Program, code: Run) -> None:
    idr = prog["init_pid_ns"].idr.address_of_().value_()
    names = code(f"tree -t x -s pid.level {idr:x}")
    assert (names["entry"].type_.type_name(), names["level"]) == ("struct pid *", 0)
    expected = addresses(code(f"tree -t radix {idr:x}"), "index")
    assert expected[:2] == [1, 2]
    names = code("tree -t ra -r pid_namespace.idr.idr_rt init_pid_ns")
    assert addresses(names, "index") == expected
    mm = find_task(prog, 1).mm
    # Since 6.1 (763ecb035029): before, a red-black tree.
    trees = ("m -r mm_struct.mm_mt", "rb -r mm_struct.mm_rb -o vm_area_struct.vm_rb")
    options = trees[hasattr(mm, "mm_rb")]
    names = code(f"tree -t {options} -s vm_area_struct.vm_mm {mm.value_():x}")
    assert names["vm_mm"] == mm
    # Linux 5.2 has that of the free ones, 6.9 no longer one of those in use.
    free = "free_vmap_area_root"
    root = free if free in prog else "vmap_area_root"
    sorted_starts = code(f"tree -l {root} -o vmap_area.rb_node")["found"]
    starts = [each["entry"].va_start.value_() for each in sorted_starts]
    assert starts == sorted(starts) and len(starts) > 10
    names = code(f"tree {root} -o 16 -s vmap_area.va_start")
    assert names["va_start"].value_() in starts
    names = code(f"tree {root} -o vmap_area.rb_node -s vmap_area.va_start")
    assert names["va_start"].value_() in starts
    names = code(f"tree {root}")
    assert isinstance(names["entry"], Object)
