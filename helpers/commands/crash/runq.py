"""``runq``: what runs and waits to run on each CPU."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from drgn import Object, Program
from drgn.commands import argument, drgn_argument, mutually_exclusive_group
from drgn.helpers.common.format import escape_ascii_string
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.sched import (
    cfs_rq_for_each_entity,
    cpu_rq,
    rq_for_each_rt_task,
    sched_entity_to_task,
    task_group_name,
    task_since_last_arrival_ns,
)

from ._code import CrashCodeBuilder
from ._cpuspec import Cpuspec, parse_cpuspec
from ._define import crash_command
from ._tasks import task_line, task_line_code
from ._time import days_and_milliseconds


@crash_command(
    description="CPU scheduler run queues",
    long_description="Show the task that runs on each CPU, and those that wait for it:"
    " of the real-time\nclass by priority, of the fair class in the order of its tree.",
    arguments=(
        mutually_exclusive_group(
            argument(
                "-t",
                dest="show",
                action="store_const",
                const="timestamps",
                help="show the clock of each runqueue, and when the task that runs"
                " there was put on the CPU",
            ),
            argument(
                "-T",
                dest="show",
                action="store_const",
                const="lag",
                help="show how far the clock of each runqueue is behind the latest",
            ),
            argument(
                "-m",
                dest="show",
                action="store_const",
                const="running",
                help="show how long the task of each CPU has been running",
            ),
            argument(
                "-g",
                dest="show",
                action="store_const",
                const="groups",
                help="show the fair class by task groups",
            ),
        ),
        argument(
            "-c",
            dest="cpus",
            metavar="CPU",
            help="only these CPUs (``0,3-4``, ``a`` for all)",
        ),
        drgn_argument,
    ),
)
def _crash_cmd_runq(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    cpuspec = None if args.cpus is None else parse_cpuspec(args.cpus)
    if args.drgn:
        _print_code(prog, cpuspec, args.show)
        return
    if cpuspec is None:
        # Also those that a panic stopped.
        cpus = list(for_each_possible_cpu(prog))
    else:
        cpus = sorted(cpuspec.resolve(prog))
    _SHOW[args.show](prog, cpus)


def _task(task: Object) -> str:
    return task_line(task, cpu=False)


def _print_queues(prog: Program, cpus: Sequence[int]) -> None:
    separator = ""
    for cpu in cpus:
        rq = cpu_rq(prog, cpu)
        print(f"{separator}CPU {cpu} RUNQUEUE {rq.value_():x}")
        print(f"  CURRENT: {_task(rq.curr.read_())}")
        print(f"  RT PRIO_ARRAY: {rq.rt.active.address_:x}")
        _print_tasks(list(rq_for_each_rt_task(rq)))
        print(f"  CFS RB_ROOT: {rq.cfs.tasks_timeline.address_:x}")
        entities = cfs_rq_for_each_entity(rq.cfs.address_of_())
        _print_tasks(
            [
                sched_entity_to_task(entity)
                for entity, _, is_current, is_task in entities
                if is_task and not is_current
            ]
        )
        separator = "\n"


def _print_tasks(tasks: Sequence[Object]) -> None:
    for task in tasks:
        print(f"     [{task.prio.value_():3}] {_task(task)}")
    if not tasks:
        print("     [no tasks queued]")


def _print_groups(prog: Program, cpus: Sequence[int]) -> None:
    separator = ""
    for cpu in cpus:
        rq = cpu_rq(prog, cpu)
        cfs_rq = rq.cfs.address_of_()
        root = prog["root_task_group"].address_
        print(f"{separator}CPU {cpu}")
        print(f"  CURRENT: {_task(rq.curr.read_())}")
        print(f"  ROOT_TASK_GROUP: {root:x}  CFS_RQ: {cfs_rq.value_():x}")
        empty = True
        for entity, depth, is_current, is_task in cfs_rq_for_each_entity(cfs_rq):
            indent = " " * (5 + 3 * depth)
            if is_task:
                task = sched_entity_to_task(entity)
                current = " [CURRENT]" if is_current else ""
                print(f"{indent}[{task.prio.value_():3}] {_task(task)}{current}")
            else:
                _print_group(indent, entity.my_q.read_())
            empty = False
        if empty:
            print("     [no tasks queued]")
        separator = "\n"


def _print_group(indent: str, cfs_rq: Object) -> None:
    group = cfs_rq.tg.read_()
    name = escape_ascii_string(task_group_name(group))
    label = f"  <{name}>" if name else ""
    print(f"{indent}TASK_GROUP: {group.value_():x}  CFS_RQ: {cfs_rq.value_():x}{label}")


def _print_timestamps(prog: Program, cpus: Sequence[int]) -> None:
    for cpu in cpus:
        rq = cpu_rq(prog, cpu)
        task = rq.curr.read_()
        arrival: int = task.sched_info.last_arrival.value_()
        print(f"{f'CPU {cpu}: ':>8}{rq.clock.value_():016}")
        print(f"        {arrival:016}  {_task(task)}")


def _print_lags(prog: Program, cpus: Sequence[int]) -> None:
    clocks = {cpu: cpu_rq(prog, cpu).clock.value_() for cpu in cpus}
    latest = max(clocks.values(), default=0)
    for cpu in sorted(cpus, key=lambda cpu: -clocks[cpu]):
        seconds = (latest - clocks[cpu]) / 1e9
        print(f"{f'CPU {cpu}':>{_width(cpus)}}: {seconds:.2f} secs")


def _print_running(prog: Program, cpus: Sequence[int]) -> None:
    for cpu in cpus:
        task = cpu_rq(prog, cpu).curr.read_()
        running = days_and_milliseconds(task_since_last_arrival_ns(task))
        print(f"{f'CPU {cpu}':>{_width(cpus)}}: [{running}]  {_task(task)}")


def _width(cpus: Sequence[int]) -> int:
    return 6 + len(str(max(cpus, default=0)))


_SHOW: dict[str | None, Callable[[Program, Sequence[int]], None]] = {
    None: _print_queues,
    "groups": _print_groups,
    "timestamps": _print_timestamps,
    "lag": _print_lags,
    "running": _print_running,
}


def _print_code(prog: Program, cpuspec: Cpuspec | None, show: str | None) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn.helpers.linux.sched", "cpu_rq")
    if show == "lag":
        code.append("clocks = {}\n")
    if cpuspec is None:
        code.add_from_import("drgn.helpers.linux.cpumask", "for_each_possible_cpu")
        cpus = code.begin_block("for cpu in for_each_possible_cpu():\n")
    else:
        cpus = code.begin_cpus(cpuspec)
    with cpus:
        code.append("rq = cpu_rq(cpu)\n")
        _append_code(code, show)
    if show == "lag":
        code.append(
            "latest = max(clocks.values())\n"
            "lags = {cpu: latest - clock for cpu, clock in clocks.items()}\n"
        )
    code.print()


def _append_code(code: CrashCodeBuilder, show: str | None) -> None:
    if show == "lag":
        code.append("clocks[cpu] = rq.clock.value_()\n")
        return
    code.append("current = rq.curr\n")
    task_line_code(code, "current", cpu=False)
    if show == "timestamps":
        code.append("clock = rq.clock\narrival = current.sched_info.last_arrival\n")
    elif show == "running":
        code.add_from_import("drgn.helpers.linux.sched", "task_since_last_arrival_ns")
        code.append("running_ns = task_since_last_arrival_ns(current)\n")
    else:
        _append_queues_code(code, groups=show == "groups")


def _append_queues_code(code: CrashCodeBuilder, groups: bool) -> None:
    code.add_from_import(
        "drgn.helpers.linux.sched", "cfs_rq_for_each_entity", "sched_entity_to_task"
    )
    if not groups:
        code.add_from_import("drgn.helpers.linux.sched", "rq_for_each_rt_task")
        code.append("prio_array = rq.rt.active\n")
        with code.begin_block("for task in rq_for_each_rt_task(rq):\n"):
            _append_queued_code(code)
    code.append("cfs_rq = rq.cfs\n")
    if not groups:
        code.append("rb_root = cfs_rq.tasks_timeline\n")
    with code.begin_block(
        "for entity, depth, is_current, is_task in"
        " cfs_rq_for_each_entity(cfs_rq.address_of_()):\n"
    ):
        condition = "is_task" if groups else "is_task and not is_current"
        with code.begin_block(f"if {condition}:\n"):
            code.append("task = sched_entity_to_task(entity)\n")
            _append_queued_code(code)
        if groups:
            code.add_from_import("drgn.helpers.linux.sched", "task_group_name")
            with code.begin_block("else:\n"):
                code.append(
                    "group_cfs_rq = entity.my_q\n"
                    "task_group = group_cfs_rq.tg\n"
                    "group_name = task_group_name(task_group)\n"
                )


def _append_queued_code(code: CrashCodeBuilder) -> None:
    code.append("prio = task.prio\n")
    task_line_code(code, cpu=False)
