"""Write down what a kernel's dump says: the thing to run after every crash.

    drgn -c vmcore -s vmlinux scripts/examples/vmcore_report.py [--json] [PART]...

One pass, part by part: the system, its panic, the stacks of all CPUs and of blocked
tasks (identical ones together, and who holds the lock that they wait for), memory,
modules, mounts and BPF programs. What the dump does not allow is skipped: a value, a
stack, the rest of a list that leads out of it, or a whole part. What was skipped and
why is in the report, with the time that each part took. ``--json`` gives the same for
machines: an object with a list "parts", each with "name", "seconds", "skipped" (a list
of texts) and "data".
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from drgn import FaultError, Object, StackFrame, StackTrace
from drgn.helpers import ValidationError
from drgn.helpers.common.format import number_in_binary_units
from drgn.helpers.linux import (
    bpf_link_for_each,
    bpf_prog_for_each,
    bpf_prog_used_maps,
    cpu_curr,
    for_each_module,
    for_each_mount,
    for_each_present_cpu,
    for_each_slab_cache,
    for_each_swap_info,
    for_each_task,
    get_dmesg,
    global_node_page_state,
    hugetlb_total_usage,
    ktime_get_real_seconds,
    loadavg,
    module_address_regions,
    module_taints,
    mount_dst,
    mount_fstype,
    mount_src,
    mutex_owner,
    nr_free_pages,
    num_online_cpus,
    num_present_cpus,
    panic_message,
    panic_task,
    rwsem_locked,
    rwsem_owner,
    slab_cache_pages_per_slab,
    slab_cache_usage,
    slab_total_usage,
    swap_file_path,
    swap_usage_in_pages,
    tainted,
    task_on_cpu,
    task_since_last_arrival_ns,
    task_state_to_char,
    totalram_pages,
    uptime_pretty,
)

T = TypeVar("T")
Data = dict[str, Any]
LOG_LINES = 100
TOP_CACHES = 10
NO_PANIC = "the kernel has not panicked"

parts: dict[str, Callable[[list[str]], Data]] = {}


def part(function: Callable[[list[str]], Data]) -> Callable[[list[str]], Data]:
    """Make a function a part of the report.

    It returns what it found, and appends what it had to skip to its argument.
    """
    parts[function.__name__] = function
    return function


@part
def system(skipped: list[str]) -> Data:
    values: dict[str, Callable[[], Any]] = {
        "release": lambda: text(prog["init_uts_ns"].name.release.string_()),
        "version": lambda: text(prog["init_uts_ns"].name.version.string_()),
        "host": lambda: text(prog["init_uts_ns"].name.nodename.string_()),
        "date": lambda: date(ktime_get_real_seconds(prog).value_()),
        "uptime": lambda: uptime_pretty(prog),
        "load": lambda: " ".join(f"{load:.2f}" for load in loadavg(prog)),
        "CPUs": lambda: num_present_cpus(prog),
        "CPUs online": lambda: num_online_cpus(prog),
        "tainted": lambda: tainted(prog) or "no",
    }
    return {name: attempt(skipped, name, value) for name, value in values.items()}


def date(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


@part
def panic(skipped: list[str]) -> Data:
    message = attempt(skipped, "message", logged_panic)
    task = ""
    if message != NO_PANIC:
        task = attempt(skipped, "task", panicked_task) or ""
    log = attempt(skipped, "log", get_dmesg, prog) or b""
    return {
        "message": message,
        "task": task,
        "log": text(log).splitlines()[-LOG_LINES:],
    }


def logged_panic() -> str:
    message = panic_message(prog)
    return text(message) if message else NO_PANIC


def panicked_task() -> str:
    try:
        return describe(panic_task(prog))
    except (LookupError, ValueError):
        return ""


@part
def cpus(skipped: list[str]) -> Data:
    def running() -> Iterator[tuple[str, Object]]:
        for cpu in all_of(skipped, "CPUs", for_each_present_cpu, prog):
            task = attempt(skipped, f"CPU {cpu}", task_of_cpu, cpu)
            if task is not None:
                yield f"CPU {cpu}", task

    return {"stacks": grouped(running(), skipped)}


def task_of_cpu(cpu: int) -> Object | None:
    """The task on a CPU, which a panic may have taken offline."""
    task = cpu_curr(prog, cpu)
    return task if task and task_on_cpu(task) else None


@part
def blocked(skipped: list[str]) -> Data:
    tasks = [
        task
        for task in all_of(skipped, "tasks", for_each_task, prog)
        if task_state_to_char(task) == "D"
    ]
    try:
        waiting = [(task_since_last_arrival_ns(task), task) for task in tasks]
    except (AttributeError, FaultError) as error:
        # Kernels may be built without, and dumps lack the clocks of CPUs.
        skipped.append(f"times: {error}")
        return {"stacks": grouped((("blocked", task) for task in tasks), skipped)}
    # Who has waited longest comes first.
    waiting.sort(key=lambda pair: pair[0], reverse=True)
    notes = ((f"for {ns / 1e9:.0f} s", task) for ns, task in waiting)
    return {"stacks": grouped(notes, skipped)}


@part
def memory(skipped: list[str]) -> Data:
    counts: dict[str, Callable[[], int]] = {
        "total": lambda: totalram_pages(prog),
        "free": lambda: nr_free_pages(prog),
        "page cache": lambda: node_pages("NR_FILE_PAGES"),
        "anonymous": lambda: node_pages("NR_ANON_MAPPED"),
        "shared": lambda: node_pages("NR_SHMEM"),
        "dirty": lambda: node_pages("NR_FILE_DIRTY"),
        "writeback": lambda: node_pages("NR_WRITEBACK"),
        "slab": lambda: sum(slab_total_usage(prog)),
        "unreclaimable slab": lambda: slab_total_usage(prog).unreclaimable_pages,
        "huge pages": lambda: hugetlb_total_usage(prog).pages,
        "free huge pages": lambda: hugetlb_total_usage(prog).free_pages,
    }
    found: Data = {}
    for name, count in counts.items():
        pages = attempt(skipped, name, count)
        found[name] = None if pages is None else size(pages)
    caches = list_of(skipped, "slab caches", slab_cache, counted_caches)
    caches.sort(key=lambda cache: (cache["pages"], cache["name"]), reverse=True)
    return {
        **found,
        "slab caches": [
            {
                "name": cache["name"],
                "size": size(cache["pages"]),
                "used": cache["used"],
                "objects": cache["objects"],
            }
            for cache in caches[:TOP_CACHES]
        ],
        "swap": list_of(skipped, "swap", swap, for_each_swap_info, prog),
    }


def size(pages: int) -> str:
    return number_in_binary_units(pages * prog["PAGE_SIZE"].value_())


def node_pages(name: str) -> int:
    return global_node_page_state(prog, prog[name])


def counted_caches() -> Iterator[Object]:
    """Slab caches, unless the kernel does not count what is in them.

    Raises ValueError in that case, once for all of them.
    """
    for number, cache in enumerate(for_each_slab_cache(prog)):
        if not number:
            with contextlib.suppress(ValidationError, FaultError):
                slab_cache_usage(cache)
        yield cache


def slab_cache(cache: Object) -> Data:
    usage = slab_cache_usage(cache)
    return {
        "name": text(cache.name.string_()),
        "pages": usage.num_slabs * slab_cache_pages_per_slab(cache),
        "used": usage.num_objs - usage.free_objs,
        "objects": usage.num_objs,
    }


def swap(area: Object) -> Data:
    return {
        "file": text(swap_file_path(area)),
        "size": size(area.pages.value_()),
        "used": size(swap_usage_in_pages(area)),
    }


@part
def modules(skipped: list[str]) -> Data:
    return {"modules": list_of(skipped, "modules", loaded, for_each_module, prog)}


def loaded(module: Object) -> Data:
    regions = module_address_regions(module)
    # That of its initialization is freed.
    base = min((base for base, size in regions if size), default=0)
    return {
        "name": text(module.name.string_()),
        "address": f"{base:#x}",
        "size": number_in_binary_units(sum(size for _, size in regions)),
        "taints": module_taints(module),
    }


@part
def mounts(skipped: list[str]) -> Data:
    return {"mounts": list_of(skipped, "mounts", mounted, for_each_mount, prog)}


def mounted(mount: Object) -> Data:
    return {
        "source": text(mount_src(mount)),
        "type": text(mount_fstype(mount)),
        "directory": text(mount_dst(mount)),
    }


@part
def bpf(skipped: list[str]) -> Data:
    # Kernels before 5.8 have no links.
    return {
        "programs": list_of(skipped, "BPF programs", program, bpf_prog_for_each, prog),
        "links": list_of(skipped, "BPF links", link, bpf_link_for_each, prog),
    }


def program(each: Object) -> Data:
    return {
        "ID": each.aux.id.value_(),
        "type": enumerator(each.type, "BPF_PROG_TYPE_"),
        "name": text(each.aux.name.string_()),
        "maps": " ".join(str(map.id.value_()) for map in bpf_prog_used_maps(each)),
    }


def link(each: Object) -> Data:
    return {
        "ID": each.id.value_(),
        "type": enumerator(each.type, "BPF_LINK_TYPE_"),
        "program": each.prog.aux.id.value_() if each.prog else "",
    }


# What a dump may not allow.


def attempt(
    skipped: list[str], what: str, find: Callable[..., T], *arguments: Any
) -> T | None:
    """What a function finds; None, and a line about it, if it fails."""
    try:
        return find(*arguments)
    except Exception as error:
        skipped.append(f"{what}: {error}")
        return None


def all_of(
    skipped: list[str], what: str, find: Callable[..., Iterable[T]], *arguments: Any
) -> Iterator[T]:
    """What a function iterates over, up to where it fails."""
    try:
        yield from find(*arguments)
    except Exception as error:
        skipped.append(f"the rest of {what}: {error}")


def list_of(
    skipped: list[str],
    what: str,
    row: Callable[[Object], Data],
    find: Callable[..., Iterable[Object]],
    *arguments: Any,
) -> list[Data]:
    """A row of each thing that a function iterates over, but of those that fail."""
    rows = (
        attempt(skipped, f"{named(each)} of {what}", row, each)
        for each in all_of(skipped, what, find, *arguments)
    )
    return [each for each in rows if each is not None]


def named(thing: Object) -> str:
    """Its name, or its address if it has none that the dump allows."""
    try:
        return text(thing.name.string_())
    except Exception:
        return f"{thing.value_():#x}"


def text(name: bytes) -> str:
    return name.decode(errors="replace")


def enumerator(value: Object, prefix: str) -> str:
    for each in value.type_.enumerators or ():
        if each.value == value.value_():
            return str(each.name.removeprefix(prefix).lower())
    return str(value.value_())


def describe(task: Object) -> str:
    return f"{task.pid.value_()} ({text(task.comm.string_())})"


def grouped(tasks: Iterable[tuple[str, Object]], skipped: list[str]) -> list[Data]:
    """Stacks of (note, task) pairs, those of the same functions and lines as one."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for note, task in tasks:
        who = attempt(skipped, f"task {task.value_():#x}, {note}", describe, task)
        if who is None:
            continue
        what = f"stack of {who}, {note}"
        trace = attempt(skipped, what, prog.stack_trace, task)
        if trace is None:
            continue
        stack = tuple(frame_line(frame) for frame in trace)
        holder = attempt(skipped, what, lock_holder, task, trace)
        if holder:
            note += f", {holder}"
        groups[stack].append(f"{who}, {note}")
    return [{"tasks": who, "stack": list(stack)} for stack, who in groups.items()]


def lock_holder(task: Object, trace: StackTrace) -> str | None:
    """Who holds the lock that a task waits for, if it or a frame knows the lock."""
    # Not without CONFIG_RT_MUTEXES. With PREEMPT_RT, mutexes and semaphores are such.
    waiter = getattr(task, "pi_blocked_on", None)
    if waiter:
        # The lowest bit says that there are waiters.
        owner = Object(prog, task.type_, waiter.lock.owner.value_() & ~1)
        return f"lock held by {describe(owner)}" if owner else None
    for frame in trace:
        for name in "lock", "sem":
            if name not in frame or frame[name].absent_:
                continue
            lock = frame[name]
            kind = lock.type_.type_name()
            if kind == "struct mutex *" and "mutex_lock" in (frame.name or ""):
                owner = mutex_owner(lock)
                return f"mutex held by {describe(owner)}" if owner else None
            if kind == "struct rw_semaphore *" and "down_" in (frame.name or ""):
                # Readers do not say who they are.
                if rwsem_locked(lock).name != "WRITE_LOCKED":
                    return "semaphore held by readers"
                return f"semaphore held by {describe(rwsem_owner(lock))}"
    return None


def frame_line(frame: StackFrame) -> str:
    name = frame.name or "?"
    try:
        file, line, _ = frame.source()
    except LookupError:
        return name
    return f"{name} ({file}:{line})"


# The report.


def report(names: Iterable[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        skipped: list[str] = []
        start = time.perf_counter()
        try:
            data = parts[name](skipped)
        except Exception as error:
            data = {}
            skipped.append(f"all of it: {type(error).__name__}: {error}")
        seconds = round(time.perf_counter() - start, 3)
        yield {"name": name, "seconds": seconds, "skipped": skipped, "data": data}


def write_text(found: dict[str, Any]) -> None:
    heading = f"{found['name']} ({found['seconds']:.2f} s)"
    print(heading, "-" * len(heading), sep="\n")
    for key, value in found["data"].items():
        if isinstance(value, list):
            print(f"{key}: {len(value)}")
            write_list(value)
        elif value not in (None, ""):
            print(f"{key}: {value}")
    for each in found["skipped"]:
        print(f"skipped: {each}")
    print()


def write_list(rows: list[Any]) -> None:
    if rows and isinstance(rows[0], str):
        print(*(f"  {row}" for row in rows), sep="\n")
    elif rows and "stack" in rows[0]:
        for row in rows:
            print(*(f"  {who}" for who in row["tasks"]), sep="\n")
            print(*(f"    {frame}" for frame in row["stack"]), sep="\n")
    elif rows:
        table = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for cells in table:
            padded = map(str.ljust, cells, widths)
            print(" ", "  ".join(padded).rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="vmcore_report.py", description="Write down what a kernel's dump says."
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument(
        "part", nargs="*", help=f"which parts (default: {' '.join(parts)})"
    )
    args = parser.parse_args()
    for name in args.part:
        if name not in parts:
            parser.error(f"no part {name!r}: choose from {' '.join(parts)}")
    found = report(args.part or parts)
    try:
        if args.json:
            json.dump({"parts": list(found)}, sys.stdout, indent=2)
            print()
        else:
            for each in found:
                write_text(each)
                sys.stdout.flush()
    except BrokenPipeError:  # Nobody reads it any longer, which drgn knows to treat.
        raise
    except OSError as error:
        sys.exit(f"error: {error}")


main()
