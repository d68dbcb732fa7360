"""``bt``: stack traces."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from drgn import (
    FaultError,
    MainModule,
    Object,
    Program,
    StackFrame,
    UnsupportedOperation,
    sizeof,
)
from drgn.commands import (
    CommandArgumentError,
    DrgnCodeBlockContext,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.common.stack import print_registers
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.panic import panic_task
from drgn.helpers.linux.sched import cpu_curr, task_cpu, task_on_cpu
from drgn.helpers.linux.stack import LinuxKernelStack, StackKind, kernel_stack_trace

from ._code import CrashCodeBuilder
from ._cpuspec import parse_cpuspec
from ._define import crash_command
from ._readable_tasks import readable_tasks
from ._slab_names import slab_cache_name
from ._task_command import TASK_COMMANDS, TaskCommand
from ._tasks import (
    begin_chosen_tasks,
    chosen_tasks,
    task_line,
    task_line_code,
    tasks_argument,
)

# Stacks that a CPU changes to and comes back from.
_OTHER_STACKS = (
    StackKind.IRQ,
    StackKind.SOFTIRQ,
    StackKind.NMI,
    StackKind.EXCEPTION,
)


def _show(
    prog: Program, args: argparse.Namespace, task: Object
) -> LinuxKernelStack | None:
    print(task_line(task))
    try:
        stack = kernel_stack_trace(prog, task)
    except UnsupportedOperation:
        print("(active)")  # in the running kernel
        return None
    except (FaultError, LookupError, ValueError) as error:
        # A dump may lack a running task's registers.
        print(f"(no stack trace: {error})")
        return None
    if len(stack):
        _print_frames(prog, args, stack)
    else:
        print("(no stack trace: stack of task is freed)")
    return stack


def _print_frames(
    prog: Program, args: argparse.Namespace, stack: LinuxKernelStack
) -> None:
    frames = [(frame, segment.kind) for segment in stack.segments for frame in segment]
    word = _word_formatter(prog, args)
    for number, (frame, kind) in enumerate(frames):
        if kind is StackKind.USER:
            break
        following = frames[number + 1 : number + 2]
        next_frame, next_kind = following[0] if following else (None, kind)
        _print_frame(prog, number, frame, args)
        if kind is not next_kind and kind in _OTHER_STACKS:
            print(f"--- <{kind.name} stack> ---")
        if next_frame is not None and not frame.is_inline and next_frame.interrupted:
            print_registers(prog, next_frame.registers())
        if args.variables:
            _print_variables(frame)
        if word is not None and next_frame is not None and not frame.is_inline:
            _print_stack(prog, frame, next_frame, word)


def _print_frame(
    prog: Program, number: int, frame: StackFrame, args: argparse.Namespace
) -> None:
    title = f"#{number}".rjust(3)
    name = frame.name or hex(frame.pc)
    try:
        file, line, column = frame.source()
    except LookupError:
        file = ""
    if args.drgn_style:
        place = f" ({file}:{line}:{column})" if file else ""
        print(f"{title} {name}{place}")
    elif frame.is_inline:
        print(f"{title} {'(inline)':18} {name}{_module(prog, frame)}")
    else:
        module = _module(prog, frame)
        print(f"{title} [{frame.sp:016x}] {name} at {frame.pc:x}{module}")
    if args.lines and not args.drgn_style and file:
        print(f"    {file}: {line}")


def _module(prog: Program, frame: StackFrame) -> str:
    """The name of the kernel module that a frame is in, in brackets."""
    try:
        module = prog.module(frame.pc)
    except LookupError:
        return ""
    return "" if isinstance(module, MainModule) else f" [{module.name}]"


def _print_variables(frame: StackFrame) -> None:
    for name in frame.locals():
        try:
            value = frame[name]
        except (KeyError, LookupError):
            continue
        if value.absent_:
            continue
        try:
            text = value.format_(dereference=False)
        except FaultError as error:
            text = f"({error})"
        print("    " + f"{name} = {text}".replace("\n", "\n    "))


def _print_stack(
    prog: Program, frame: StackFrame, caller: StackFrame, word: Callable[[int], str]
) -> None:
    """Print the words from a frame to its caller, two in a line."""
    try:
        start, end = frame.sp, caller.sp
    except LookupError:
        return
    # The caller may be on another stack.
    if not 0 < end - start <= prog["THREAD_SIZE"].value_():
        return
    size = sizeof(prog.type("unsigned long"))
    try:
        words = [prog.read_word(address) for address in range(start, end, size)]
    except FaultError:
        return
    for i in range(0, len(words), 2):
        row = " ".join(f"{word(value):16}" for value in words[i : i + 2])
        print(f"    {start + i * size:016x}:  {row}")


def _word_formatter(
    prog: Program, args: argparse.Namespace
) -> Callable[[int], str] | None:
    if args.data:
        return "{:016x}".format
    if not args.symbolic:
        return None

    def word(value: int) -> str:
        try:
            symbol = prog.symbol(value)
        except LookupError:
            pass
        else:
            return f"{symbol.name}+{value - symbol.address}"
        name = slab_cache_name(prog, value)
        if name is None:
            return f"{value:016x}"
        # Asked for twice, the address is shown too.
        return f"[{value:x}:{name}]" if args.symbolic > 1 else f"[{name}]"

    return word


def _code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    task_line_code(code)
    code.add_from_import("drgn", "FaultError")
    code.add_from_import("drgn.helpers.linux.stack", "kernel_stack_trace")
    code.append(
        """\
try:
    trace = kernel_stack_trace(task)
except (FaultError, LookupError, ValueError):
    trace = ()  # A dump may lack a running task's registers.
"""
    )
    if args.lines or args.variables:
        with code.begin_block("for frame in trace:\n"):
            _frame_code(code, args)
    if args.data or args.symbolic:
        _stack_code(code, args)


def _frame_code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    if args.lines:
        with code.begin_block("try:\n"):
            code.append("filename, line, column = frame.source()\n")
        with code.begin_block("except LookupError:\n"):
            code.append("pass\n")
    if args.variables:
        code.append("variables = {name: frame[name] for name in frame.locals()}\n")


def _stack_code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    """Code for the words from each frame to its caller."""
    code.add_from_import("drgn", "sizeof")
    code.append(
        """\
word_size = sizeof(prog.type("unsigned long"))
frames = [frame for frame in trace if not frame.is_inline]
for frame, caller in zip(frames, frames[1:]):
    if not 0 < caller.sp - frame.sp <= prog["THREAD_SIZE"]:
        continue  # The caller is on another stack.
    addresses = range(frame.sp, caller.sp, word_size)
    try:
        words = [prog.read_word(address) for address in addresses]
    except FaultError:
        break  # These are the user's.
"""
    )
    if args.symbolic:
        code.add_from_import("drgn.helpers.common.memory", "identify_address")
        code.append("    names = [identify_address(word) for word in words]\n")


_OPTIONS = (
    mutually_exclusive_group(
        argument(
            "-f",
            dest="data",
            action="store_true",
            help="show the words on the stack of each frame",
        ),
        argument(
            "-F",
            dest="symbolic",
            action="count",
            default=0,
            help="the same with the names of symbols, and of slab caches in brackets;"
            " given twice, with the addresses of slab objects too",
        ),
    ),
    argument(
        "-l",
        dest="lines",
        action="store_true",
        help="show the source file and line of each frame",
    ),
    argument(
        "-d",
        dest="drgn_style",
        action="store_true",
        help="write frames as drgn does rather than as crash",
    ),
    argument(
        "-V",
        dest="variables",
        action="store_true",
        help="show the local variables that are known",
    ),
    drgn_argument,
)
_BT = TASK_COMMANDS["bt"] = TaskCommand(_OPTIONS, _code, _show)


@crash_command(
    description="stack traces",
    long_description="Print the kernel stack of tasks.",
    arguments=(
        argument(
            "-c",
            dest="cpus",
            metavar="CPUS",
            help="the tasks that run on these CPUs (``0,3-4``, ``a`` for all)",
        ),
        argument(
            "-a",
            dest="all",
            action="store_true",
            help="the tasks that run on all CPUs",
        ),
        argument(
            "-p", dest="panic", action="store_true", help="the task that panicked"
        ),
        *_BT.arguments,
        tasks_argument,
    ),
)
def _crash_cmd_bt(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> Any:
    """Return the stack that was printed last, as a LinuxKernelStack."""
    _check(args)
    if args.drgn:
        _print_code(prog, args)
        return None
    return _BT.run(prog, args, _tasks(prog, args))


def _check(args: argparse.Namespace) -> None:
    choices = (
        ("-c", args.cpus is not None),
        ("-a", args.all),
        ("-p", args.panic),
        ("pid|task", bool(args.tasks)),
    )
    given = [option for option, is_given in choices if is_given]
    if len(given) > 1:
        raise CommandArgumentError(
            f"bt: error: argument {given[1]}: not allowed with argument {given[0]}"
        )


def _tasks(prog: Program, args: argparse.Namespace) -> Iterable[Object]:
    if args.cpus is not None:
        cpus = parse_cpuspec(args.cpus).resolve(prog)
        return [cpu_curr(prog, cpu) for cpu in cpus]
    if args.all:
        return _running(prog, for_each_possible_cpu(prog))
    if args.panic:
        return [panic_task(prog)]
    return chosen_tasks(prog, args.tasks)


def _running(prog: Program, cpus: Iterable[int]) -> list[Object]:
    """The tasks that are on CPUs, those too which a panic took offline."""
    numbers = list(cpus)
    try:
        tasks = [cpu_curr(prog, cpu) for cpu in numbers]
    except FaultError:
        # A dump that lacks the memory of CPUs may have what they ran.
        tasks = [task for task in readable_tasks(prog) if task_cpu(task) in numbers]
    return [task for task in tasks if task and task_on_cpu(task)]


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    with _begin_tasks(code, args):
        _code(code, args)
    code.print()


def _begin_tasks(
    code: CrashCodeBuilder, args: argparse.Namespace
) -> DrgnCodeBlockContext:
    if args.panic:
        code.append_origin(("panic_task", None))
        return code.begin_block("")
    if args.cpus is None and not args.all:
        return begin_chosen_tasks(code, args.tasks)
    code.add_from_import("drgn.helpers.linux.sched", "cpu_curr")
    block = code.begin_cpus(parse_cpuspec("a" if args.all else args.cpus))
    code.append("task = cpu_curr(cpu)\n")
    return block
