"""Helpers for what tasks have find what the guest itself printed before the dump."""

from __future__ import annotations

import re

import pytest
from guest_facts import has_orc
from lab.manifest import Lab

from drgn import Object, Program
from drgn.helpers.common.stack import print_annotated_stack, print_registers
from drgn.helpers.linux import (
    StackKind,
    address_to_module,
    cpu_curr,
    decode_sigaction_flags,
    decode_sigset,
    decode_sysv_shm_flags,
    decode_sysv_shm_mode_flags,
    find_sysv_msg_queue,
    find_sysv_sem_array,
    find_sysv_shm,
    find_task,
    for_each_online_cpu,
    for_each_sysv_msg_queue,
    for_each_sysv_sem_array,
    for_each_sysv_shm,
    for_each_task,
    hrtimer_clock_base_for_each,
    kernel_stack_trace,
    per_cpu,
    sigaction_flags,
    signal_names,
    signal_numbers,
    sigset_to_hex,
    task_rlimits,
    timer_base_for_each,
    timer_base_names,
)
from drgn.helpers.linux.stack import _kind


def objects(lab: Lab, kind: str) -> dict[int, tuple[int, int, int]]:
    """Keys, modes and sizes of IPC objects, by their IDs."""
    lines = lab.fact(f"proc/sysvipc/{kind}").splitlines()[1:]
    return {
        int(id): (int(key), int(mode, 8), int(size))
        for key, id, mode, size, *_ in map(str.split, lines)
    }


def test_system_v_ipc(live: Program, each_lab: Lab) -> None:
    for kind, each, find, perm, size in (
        ("msg", for_each_sysv_msg_queue, find_sysv_msg_queue, "q_perm", "q_cbytes"),
        ("sem", for_each_sysv_sem_array, find_sysv_sem_array, "sem_perm", "sem_nsems"),
        ("shm", for_each_sysv_shm, find_sysv_shm, "shm_perm", "shm_segsz"),
    ):
        found = {obj.member_(perm).id.value_(): obj for obj in each(live)}
        assert list(found) == list(objects(each_lab, kind))
        for obj, expected in zip(
            found.values(), objects(each_lab, kind).values(), strict=True
        ):
            key, mode = obj.member_(perm).key.value_(), obj.member_(perm).mode.value_()
            assert (key, mode, obj.member_(size).value_()) == expected
        for id, obj in found.items():
            assert find(live, id).value_() == obj.value_()
            # The same place, used by another one.
            assert not find(live, id + (1 << 15)) and not find(live, id + (1 << 24))
        assert not find(live, 77)
        assert find(live, 77).type_.type_name() == obj_type(kind)
    namespace = find_task(live, 1).nsproxy.ipc_ns.read_()
    assert [shm.value_() for shm in for_each_sysv_shm(namespace)] == [
        shm.value_() for shm in for_each_sysv_shm(live)
    ]


def obj_type(kind: str) -> str:
    types = {"msg": "msg_queue", "sem": "sem_array", "shm": "shmid_kernel"}
    return f"struct {types[kind]} *"


def test_flags_of_shared_memory(live: Program, each_lab: Lab) -> None:
    found = {
        shm.shm_perm.id.value_(): decode_sysv_shm_flags(shm)
        for shm in for_each_sysv_shm(live)
    }
    locked, doomed = each_lab.task("ipc-objects")["segments"].split()
    assert found == {0: "0", int(locked): "SHM_LOCKED", int(doomed): "SHM_DEST"}
    assert decode_sysv_shm_mode_flags(live, 0o3600) == "SHM_DEST|SHM_LOCKED"
    assert decode_sysv_shm_mode_flags(live, 0o5777) == "SHM_DEST|0x800"


def test_signal_masks(live: Program, each_lab: Lab) -> None:
    compared = 0
    for task in for_each_task(live):
        path = each_lab.facts / f"proc/{task.pid.value_()}/status"
        if not path.exists():
            continue
        masks = dict(
            re.findall(r"^Sig(Pnd|Blk|Ign|Cgt):\t(\w+)", path.read_text(), re.M)
        )
        assert sigset_to_hex(task.pending.signal) == masks["Pnd"]
        assert sigset_to_hex(task.blocked.address_of_()) == masks["Blk"]
        if not task.sighand:
            continue  # A zombie has none.
        actions = task.sighand.action
        handlers = [action.sa.sa_handler.value_() for action in actions]
        ignored = sum(1 << i for i, h in enumerate(handlers) if h == 1)
        caught = sum(1 << i for i, h in enumerate(handlers) if h > 1)
        assert f"{ignored:016x}" == masks["Ign"] and f"{caught:016x}" == masks["Cgt"]
        compared += 1
    assert compared > 10


def test_sets_of_signals(live: Program) -> None:
    assert decode_sigset(live, 0) == "{}"
    assert decode_sigset(live, 1 << 1 | 1 << 14) == "{SIGINT,SIGTERM}"
    sigset = Object(live, "sigset_t", {"sig": [1 << 16 | 1 << 63]})
    assert decode_sigset(sigset) == "{SIGCHLD,SIGRTMAX}"
    assert sigset_to_hex(sigset) == "8000000000010000"
    for wrong in (-1, 1 << 64):
        with pytest.raises(ValueError, match="sigset"):
            decode_sigset(live, wrong)


def test_names_of_signals(live: Program) -> None:
    names, numbers = signal_names(live), signal_numbers(live)
    assert (names["SIGKILL"], names["SIGCLD"], names["SIGCHLD"]) == (9, 17, 17)
    assert list(numbers) == list(range(1, 65))
    assert numbers[17] == ["SIGCHLD", "SIGCLD"]
    middle = [numbers[n][0] for n in (32, 33, 48, 49, 64)]
    assert middle == [
        "SIGRTMIN",
        "SIGRTMIN+1",
        "SIGRTMIN+16",
        "SIGRTMAX-15",
        "SIGRTMAX",
    ]


def test_signal_handlers(live: Program) -> None:
    shell = find_task(live, 1)
    chld = shell.sighand.action[signal_names(live)["SIGCHLD"] - 1].sa
    assert decode_sigaction_flags(chld) == "SA_RESTORER"
    assert sigaction_flags(live)["SA_RESTORER"] == 0x4000000
    assert sigaction_flags(live)["SA_X32_ABI"] == 0x1000000


def test_limits(live: Program, each_lab: Lab) -> None:
    names = ["CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE"]
    names += ["MEMLOCK", "AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO"]
    names += ["RTTIME"]

    def limit(text: str) -> int | None:
        return None if text == "unlimited" else int(text)

    for pid in (1, int(each_lab.task("many-threads")["pid"])):
        lines = each_lab.fact(f"proc/{pid}/limits").splitlines()[1:]
        limits = task_rlimits(find_task(live, pid))
        assert list(limits) == names
        for line, (soft, hard) in zip(lines, limits.values(), strict=True):
            assert (soft, hard) == tuple(map(limit, line[26:].split()[:2]))


def test_high_resolution_timers(live: Program, each_lab: Lab) -> None:
    expected = set(
        re.findall(r"^ #\d+: <\w+>, (\w+),", each_lab.fact("proc/timer_list"), re.M)
    )
    found = set()
    for cpu in for_each_online_cpu(live):
        for base in per_cpu(live["hrtimer_bases"], cpu).clock_base:
            timers = list(hrtimer_clock_base_for_each(base.address_of_()))
            expiries = [timer.node.expires.value_() for timer in timers]
            assert expiries == sorted(expiries)
            for timer in timers:
                assert timer.base.value_() == base.address_
                found.add(live.symbol(timer.function.value_()).name)
    # That of the epoll workload is far away.
    assert "timerfd_tmrproc" in expected & found


def test_timer_wheel(live: Program) -> None:
    names = timer_base_names(live)
    functions = set()
    for cpu in for_each_online_cpu(live):
        bases = per_cpu(live["timer_bases"], cpu)
        assert len(bases) == len(names)
        for base in bases:
            for timer in timer_base_for_each(base.address_of_()):
                assert timer.flags.value_() & 0x3FFFF == cpu  # TIMER_CPUMASK
                function = timer.function.value_()
                if not address_to_module(live, function):  # whose symbols are not there
                    functions.add(live.symbol(function).name)
    assert "delayed_work_timer_fn" in functions


def test_stacks_of_kernel_threads(live: Program) -> None:
    trace = kernel_stack_trace(live, 2)
    assert [segment.kind for segment in trace.segments] == [StackKind.TASK]
    assert [frame.name for frame in trace] == [f.name for f in live.stack_trace(2)]
    assert len(trace) == len(trace.segments[0]) and trace[0].name == "context_switch"
    lines = str(trace).splitlines()
    assert re.fullmatch(
        r"#0  context_switch \((?:\S+/)?kernel/sched/core\.c:\d+:\d+\)", lines[0]
    )
    assert lines[-1] == "  --- end TASK stack ---"
    with pytest.raises(LookupError, match="task not found"):
        kernel_stack_trace(live, 1 << 22)


def test_stacks_of_user_threads(live: Program, each_lab: Lab) -> None:
    task = find_task(live, int(each_lab.task("wait-pipe")["pid"]))
    kinds = [segment.kind for segment in kernel_stack_trace(live, task).segments]
    assert kinds == [StackKind.TASK, StackKind.USER][: 2 if has_orc(live) else 1]


def test_stacks_of_a_panic(panicked: Program) -> None:
    task = panicked.crashed_thread().object
    trace = kernel_stack_trace(panicked, task)
    assert trace.segments[0].kind is StackKind.TASK
    # Before 5.5, it does not panic but faults.
    assert "sysrq_handle_crash" in [frame.name for frame in trace]


def test_words_of_a_stack(live: Program, capsys: pytest.CaptureFixture[str]) -> None:
    trace = live.stack_trace(2)
    print_annotated_stack(trace)
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading == "STACK POINTER     VALUE"
    assert [line for line in lines if line.startswith("[")] == [
        f"[stack frame {frame}]" for frame in trace
    ]
    task = find_task(live, 2)
    words = [line.split(maxsplit=2) for line in lines if not line.startswith("[")]
    notes = {int(value, 16): rest for _, value, *rest in words}
    assert notes[task.value_()] == ["[task: 2 (kthreadd)]"]
    kthreadd = next(frame for frame in trace if frame.name == "kthreadd")
    offset = kthreadd.pc - live.symbol("kthreadd").address
    assert notes[kthreadd.pc] == [f"[function symbol: kthreadd+{offset:#x}]"]
    for address, value, *_ in words:
        assert live.read_u64(int(address.rstrip(":"), 16)) == int(value, 16)
    print_annotated_stack(live.stack_trace_from_pcs([]))
    assert capsys.readouterr().out.splitlines() == [heading]


def test_registers(live: Program, capsys: pytest.CaptureFixture[str]) -> None:
    frame = live.stack_trace(cpu_curr(live, 0))[0]
    print_registers(live, frame.registers(), "> ")
    text = capsys.readouterr().out
    assert all(line.startswith("> ") for line in text.splitlines())
    assert f"RIP: {frame.pc:016x}  RSP: {frame.sp:016x}" in text
    print_registers(live, {"rip": 1})
    first = capsys.readouterr().out.splitlines()[0]
    unknown = "?" * 16
    assert first == f"    RIP: {1:016x}  RSP: {unknown}  RFLAGS: ????????"


class _Frame:
    """What is known of a frame: some registers."""

    def __init__(self, pc: int, **registers: int) -> None:
        self.pc = pc
        self.registers = registers
        self.sp = registers.get("rsp", 0)

    def register(self, name: str) -> int:
        try:
            return self.registers[name]
        except KeyError:
            raise LookupError(name) from None


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (_Frame(0x401000, cs=0x33), StackKind.USER),
        (_Frame(0, cs=0x33), StackKind.USER),
        (_Frame(0x401000), StackKind.USER),
        (_Frame(0, cs=0), StackKind.UNKNOWN),
        (_Frame(0xFFFFFFFF81000000, cs=0x10, rsp=0x2000), StackKind.TASK),
    ],
)
def test_frames_in_user_space_have_its_segment(frame: _Frame, kind: StackKind) -> None:
    """With frame pointers, a kernel thread's trace ends in registers of zeros."""
    found = _kind(frame, [(0x1000, 0x3000, StackKind.TASK)])  # type: ignore[arg-type]
    assert found is kind
