"""Stacks of a kernel's tasks, beside what tests/oracle compares with upstream."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from guest_facts import has_orc
from lab.manifest import Lab

from drgn import FaultError, MissingDebugInfoError, Object, Program

USER_END = 1 << 47


def open_dump(lab: Lab, name: str) -> Program:
    prog = Program()
    prog.set_core_dump(lab.dumps[name][0])
    try:
        prog.load_debug_info([lab.vmlinux])
    except MissingDebugInfoError:
        pass  # Modules'.
    return prog


@pytest.fixture(scope="module", params=["live.elf", "panic.elf"])
def dump(request: pytest.FixtureRequest, labs: list[Lab]) -> list[Program]:
    return [open_dump(lab, request.param) for lab in labs]


def tasks(prog: Program) -> dict[str, Object]:
    """The tasks by their names; one of each."""
    return {thread.name or "": thread.object for thread in prog.threads()}


def test_stacks_end_where_the_kernel_was_entered(dump: list[Program]) -> None:
    for prog in dump:
        entered = 0
        for thread in prog.threads():
            trace = thread.stack_trace()
            if not trace:
                # It is dead and its stack is freed.
                assert thread.object.exit_state and not thread.object.stack
                continue
            pcs = [frame.pc for frame in trace]
            assert len(pcs) < 64
            # Only the last frame can be the user's.
            assert all(pc > USER_END for pc in pcs[:-1])
            if pcs[-1] < USER_END:
                entered += 1
                last = trace[-1]
                assert last.interrupted
                assert last.register("cs") & 3 == 3
                assert str(trace).splitlines()[-1].endswith(f" {pcs[-1]:#x}")
            elif trace[-1].name == "entry_SYSCALL_64":
                # Frame pointers do not lead out of it.
                assert not has_orc(prog)
                entered += 1
        assert entered > 20


def test_a_zombie_has_no_frames_where_its_stack_is_freed(dump: list[Program]) -> None:
    for prog in dump:
        zombie = tasks(prog)["zombie"]
        trace = prog.stack_trace(zombie)
        # PREEMPT_RT's patches before 5.15 let its stack go only with the task.
        assert bool(trace) == bool(zombie.stack)
        assert (str(trace) == "") == (not zombie.stack)
        assert len(prog.thread(zombie.pid.value_()).stack_trace()) == len(trace)


def test_through_modules_without_debug_info(dump: list[Program]) -> None:
    for prog in dump:
        threads = {"btrfs-cleaner": "btrfs", "jbd2/vda-8": "jbd2"}
        found = tasks(prog)
        name = next(name for name in threads if name in found)
        trace = prog.stack_trace(found[name])
        names = [frame.name for frame in trace]
        unnamed = [frame for frame in trace if frame.name.startswith("0x")]
        assert unnamed
        for frame in unnamed:
            assert prog.module(frame.pc).name == threads[name]
        assert names.index(unnamed[-1].name) < names.index("kthread")
        assert names[-1].startswith("ret_from_fork")


def test_crashed_thread(labs: list[Lab]) -> None:
    for lab in labs:
        prog = open_dump(lab, "panic.elf")
        names = [frame.name for frame in prog.crashed_thread().stack_trace()]
        caller = names.index("sysrq_handle_crash")
        assert names[caller + 1] == "__handle_sysrq"
        if "page_fault" not in names:  # before 5.5 (8341f2f222d7)
            assert names[caller - 1] == "panic"


def test_running_tasks_have_the_registers_of_their_cpus(labs: list[Lab]) -> None:
    for lab in labs:
        prog = open_dump(lab, "live.elf")
        found = tasks(prog)
        user = prog.stack_trace(found["spin-user"])
        assert user[0].interrupted
        kernel = prog.stack_trace(found["spin-kernel"])
        assert kernel[0].interrupted
        assert kernel[0].pc > USER_END
        # SyS_read() before 4.17.
        assert {"ksys_read", "SyS_read"} & {frame.name for frame in kernel}
        # A task that sleeps has what __switch_to_asm() left.
        sleeping = prog.stack_trace(found["blocked-read"])
        assert sleeping[0].name == "context_switch"
        assert set(sleeping[0].registers()) == {
            *("rbx", "rbp", "rsp", "r12", "r13", "r14", "r15", "rip")
        }
        prev = sleeping[0]["prev"]
        if b"gcc version 7." in prog["linux_banner"].string_():  # says not where it is
            assert prev.absent_
        else:
            assert prev.comm.string_() == b"blocked-read"


def test_without_debugging_information(labs: list[Lab]) -> None:
    prog = Program()
    prog.set_core_dump(labs[0].dumps["live.elf"][0])
    message = "could not find variable 'init_task'"
    with pytest.raises(LookupError, match=message):
        prog.stack_trace(1)
    with pytest.raises(LookupError, match=message):
        prog.thread(1)
    with pytest.raises(LookupError, match=message):
        list(prog.threads())


def test_tasks_that_do_not_exist(labs: list[Lab]) -> None:
    prog = open_dump(labs[0], "live.elf")
    with pytest.raises(LookupError, match="^task not found$"):
        prog.stack_trace(4194303)
    with pytest.raises(LookupError, match=r"use stack_trace\(idle_task\(cpu\)\)"):
        prog.stack_trace(0)
    with pytest.raises(FaultError):
        prog.stack_trace(Object(prog, "struct task_struct *", 16))
    with pytest.raises(
        TypeError,
        match=r"expected struct pt_regs, struct pt_regs \*, struct task_struct \*, or",
    ):
        prog.stack_trace(prog["init_task"])


def test_any_registers_give_a_stack_that_ends(labs: list[Lab]) -> None:
    """Wherever the registers point to, there is no exception and no endless stack."""
    random.seed(20)
    for lab in labs:
        prog = open_dump(lab, "live.elf")
        alive = [t for t in prog.threads() if not t.object.exit_state]
        some = alive[::9]
        code = [frame.pc for thread in some for frame in thread.stack_trace()]
        stacks = [thread.stack_trace()[0].sp for thread in some]
        regs_type = prog.type("struct pt_regs")
        names = [member.name for member in regs_type.members or ()]
        for _ in range(300):
            values = {
                name: random.choice(
                    [0, 16, random.choice(stacks) + 8 * random.randrange(64),
                     random.choice(code) + random.randrange(64), random.getrandbits(64)]
                )
                for name in names
                if name
            }  # fmt: skip
            values |= {"ip": random.choice(code), "cs": 16}
            regs = Object(prog, regs_type, values)
            assert 1 <= len(prog.stack_trace(regs)) < 2000


def test_lists_of_globals_in_a_frame(labs: list[Lab]) -> None:
    prog = open_dump(labs[0], "live.elf")
    frame = prog.stack_trace(1)[1]
    assert frame.name == "__schedule"
    # Defined in the same file, only declared there, not there at all.
    assert frame["schedule"].address_ == prog.symbol("schedule").address
    assert frame["init_mm"].absent_
    assert "arp_tbl" not in frame
    assert frame["PIDTYPE_PID"].value_() == 0
    assert Path(frame.source().filename).name == "core.c"
