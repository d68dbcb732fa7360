"""Write down what a kernel's dump says: the thing to run after every crash.

    drgn -c vmcore -s vmlinux scripts/examples/vmcore_report.py [--json] [PART]...

One pass, part by part: the system, its panic, the stacks of all CPUs and of blocked
tasks (identical ones together), memory, modules, mounts and BPF programs. A part that
the dump does not allow is skipped, and so is a task whose stack cannot be read; what
was skipped and why is in the report, with the time that each part took. ``--json``
gives the same for machines: an object with a list "parts", each with "name",
"seconds", "skipped" (a list of texts) and "data".
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from drgn import Object, StackFrame
from drgn.helpers.common.format import number_in_binary_units
from drgn.helpers.linux import (
    bpf_link_for_each,
    bpf_prog_for_each,
    bpf_prog_used_maps,
    cpu_curr,
    for_each_module,
    for_each_mount,
    for_each_online_cpu,
    for_each_slab_cache,
    for_each_swap_info,
    for_each_task,
    get_dmesg,
    global_node_page_state,
    ktime_get_real_seconds,
    loadavg,
    module_address_regions,
    module_taints,
    mount_dst,
    mount_fstype,
    mount_src,
    nr_free_pages,
    num_online_cpus,
    panic_message,
    panic_task,
    slab_cache_pages_per_slab,
    slab_cache_usage,
    swap_file_path,
    swap_usage_in_pages,
    tainted,
    task_since_last_arrival_ns,
    task_state_to_char,
    totalram_pages,
    uptime_pretty,
)

Data = dict[str, Any]
LOG_LINES = 100
TOP_CACHES = 10

parts: dict[str, Callable[[list[str]], Data]] = {}


def part(function: Callable[[list[str]], Data]) -> Callable[[list[str]], Data]:
    """Make a function a part of the report.

    It returns what it found, and appends what it had to skip to its argument.
    """
    parts[function.__name__] = function
    return function


@part
def system(skipped: list[str]) -> Data:
    uts = prog["init_uts_ns"].name
    moment = time.gmtime(ktime_get_real_seconds(prog).value_())
    return {
        "release": text(uts.release.string_()),
        "version": text(uts.version.string_()),
        "host": text(uts.nodename.string_()),
        "date": time.strftime("%Y-%m-%d %H:%M:%S UTC", moment),
        "uptime": uptime_pretty(prog),
        "load": " ".join(f"{load:.2f}" for load in loadavg(prog)),
        "CPUs": num_online_cpus(prog),
        "tainted": tainted(prog),
    }


@part
def panic(skipped: list[str]) -> Data:
    message = panic_message(prog)
    task = panic_task(prog) if message else None
    log = get_dmesg(prog).decode(errors="replace").splitlines()
    return {
        "message": text(message) if message else "the kernel has not panicked",
        "task": describe(task) if task else "",
        "log": log[-LOG_LINES:],
    }


@part
def cpus(skipped: list[str]) -> Data:
    current = ((f"CPU {cpu}", cpu_curr(prog, cpu)) for cpu in for_each_online_cpu(prog))
    return {"stacks": grouped(current, skipped)}


@part
def blocked(skipped: list[str]) -> Data:
    tasks = [task for task in for_each_task(prog) if task_state_to_char(task) == "D"]
    try:
        waiting = [(task_since_last_arrival_ns(task), task) for task in tasks]
    except AttributeError as error:  # Kernels may be built without.
        skipped.append(f"times: {error}")
        return {"stacks": grouped((("blocked", task) for task in tasks), skipped)}
    # Who has waited longest comes first.
    waiting.sort(key=lambda pair: pair[0], reverse=True)
    notes = ((f"for {ns / 1e9:.0f} s", task) for ns, task in waiting)
    return {"stacks": grouped(notes, skipped)}


@part
def memory(skipped: list[str]) -> Data:
    page_size = prog["PAGE_SIZE"].value_()

    def size(pages: int) -> str:
        return number_in_binary_units(pages * page_size)

    found = {"total": size(totalram_pages(prog)), "free": size(nr_free_pages(prog))}
    for key, item in [
        ("page cache", "NR_FILE_PAGES"),
        ("anonymous", "NR_ANON_MAPPED"),
        ("dirty", "NR_FILE_DIRTY"),
        ("writeback", "NR_WRITEBACK"),
    ]:
        found[key] = size(global_node_page_state(prog, prog[item]))
    usages = []
    for cache in for_each_slab_cache(prog):
        name = text(cache.name.string_())
        try:
            usage = slab_cache_usage(cache)
        except Exception as error:
            skipped.append(f"slab cache {name}: {error}")
            continue
        pages = usage.num_slabs * slab_cache_pages_per_slab(cache)
        objects = usage.num_objs - usage.free_objs
        usages.append((pages, name, objects, usage.num_objs))
    usages.sort(reverse=True)
    found["slab"] = size(sum(pages for pages, *_ in usages))
    return {
        **found,
        "slab caches": [
            {"name": name, "size": size(pages), "used": used, "objects": objects}
            for pages, name, used, objects in usages[:TOP_CACHES]
        ],
        "swap": [
            {
                "file": text(swap_file_path(swap)),
                "size": size(swap.pages.value_()),
                "used": size(swap_usage_in_pages(swap)),
            }
            for swap in for_each_swap_info(prog)
        ],
    }


@part
def modules(skipped: list[str]) -> Data:
    loaded = []
    for module in for_each_module(prog):
        regions = module_address_regions(module)
        # That of its initialization is freed.
        base = min((base for base, size in regions if size), default=0)
        loaded.append(
            {
                "name": text(module.name.string_()),
                "address": f"{base:#x}",
                "size": number_in_binary_units(sum(size for _, size in regions)),
                "taints": module_taints(module),
            }
        )
    return {"modules": loaded}


@part
def mounts(skipped: list[str]) -> Data:
    return {
        "mounts": [
            {
                "source": text(mount_src(mount)),
                "type": text(mount_fstype(mount)),
                "directory": text(mount_dst(mount)),
            }
            for mount in for_each_mount(prog)
        ]
    }


@part
def bpf(skipped: list[str]) -> Data:
    programs = [
        {
            "ID": each.aux.id.value_(),
            "type": enumerator(each.type, "BPF_PROG_TYPE_"),
            "name": text(each.aux.name.string_()),
            "maps": " ".join(str(map.id.value_()) for map in bpf_prog_used_maps(each)),
        }
        for each in bpf_prog_for_each(prog)
    ]
    try:
        links = [
            {
                "ID": link.id.value_(),
                "type": enumerator(link.type, "BPF_LINK_TYPE_"),
                "program": link.prog.aux.id.value_() if link.prog else "",
            }
            for link in bpf_link_for_each(prog)
        ]
    except LookupError as error:  # Kernels before 5.8 have none.
        skipped.append(f"BPF links: {error}")
        links = []
    return {"programs": programs, "links": links}


def text(name: bytes) -> str:
    return name.decode(errors="replace")


def enumerator(value: Object, prefix: str) -> str:
    for each in value.type_.enumerators or ():
        if each.value == value.value_():
            return str(each.name.removeprefix(prefix).lower())
    return str(value.value_())


def describe(task: Object) -> str:
    return f"{task.pid.value_()} ({text(task.comm.string_())})"


def grouped(
    tasks: Iterable[tuple[str, Object]], skipped: list[str]
) -> list[dict[str, Any]]:
    """Stacks of (note, task) pairs, those of the same functions and lines as one."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for note, task in tasks:
        who = f"{describe(task)}, {note}"
        try:
            stack = tuple(frame_line(frame) for frame in prog.stack_trace(task))
        except Exception as error:
            skipped.append(f"stack of {who}: {error}")
            continue
        groups[stack].append(who)
    return [{"tasks": who, "stack": list(stack)} for stack, who in groups.items()]


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
        else:
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
    if args.json:
        json.dump({"parts": list(found)}, sys.stdout, indent=2)
        print()
    else:
        for each in found:
            write_text(each)
            sys.stdout.flush()


main()
