"""Watch the iocost controller of block devices.

    drgn -k scripts/examples/iocost_monitor.py [-i SECONDS] [DEVICE]...
    drgn -c vmcore -s vmlinux scripts/examples/iocost_monitor.py

For each device: whether it runs, the length of its period, the rate of its virtual time
(100 % where the device does what its model says) and how busy it is; then a line for
each cgroup with I/O: its weight, its share of the device by weight (active) and what it
has after giving away what it does not use (in use), how much of its share is in flight,
what it used in the last period, its debt and its delay (kernel's block/blk-iocost.c).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from drgn import Object, ProgramFlags, container_of
from drgn.helpers.common.format import print_table
from drgn.helpers.linux import (
    cgroup_path,
    disk_name,
    for_each_disk,
    list_for_each_entry,
)


def controller(disk: Object) -> Object | None:
    """The ``struct ioc *`` of a disk, None if iocost does not control it."""
    try:
        qos = disk.queue.rq_qos.read_()
    except AttributeError:
        return None  # Since 4.19 (a79050434b45); iocost itself since 5.4.
    while qos:
        if qos.id == prog["RQ_QOS_COST"]:
            return container_of(qos, "struct ioc", "rqos")
        qos = qos.next.read_()
    return None


def percent(value: float, whole: float) -> str:
    return f"{100 * value / whole:.2f}" if whole else "-"


def groups(ioc: Object) -> Iterator[Object]:
    """Each ``struct ioc_gq *`` with I/O in the last periods."""
    head = ioc.active_iocgs.address_of_()
    return list_for_each_entry("struct ioc_gq", head, "active_list")


def group_row(ioc: Object, iocg: Object) -> list[str]:
    # Weights count in 1/65536 since 5.10 (fe20cdb51617), whole shares always.
    whole = prog["HWEIGHT_WHOLE"] if "HWEIGHT_WHOLE" in prog else prog["WEIGHT_ONE"]
    unit = prog["WEIGHT_ONE"].value_() if "WEIGHT_ONE" in prog else 1
    period = ioc.period_us.value_() * prog["VTIME_PER_USEC"].value_()
    in_flight = iocg.vtime.counter.value_() - iocg.done_vtime.counter.value_()
    usage = iocg.usage_delta_us if hasattr(iocg, "usage_delta_us") else None
    in_use = iocg.hweight_inuse.value_()
    return [
        cgroup_path(iocg.pd.blkg.blkcg.css.cgroup).decode(),
        f"{iocg.weight.value_() // unit}",
        percent(iocg.hweight_active.value_(), whole.value_()),
        percent(in_use, whole.value_()),
        percent(in_flight * in_use, period * whole.value_()),
        "-" if usage is None else percent(usage.value_(), ioc.period_us.value_()),
        f"{iocg.abs_vdebt.value_() / prog['VTIME_PER_USEC'].value_() / 1000:.1f}",
        f"{iocg.delay.value_() / 1e6:.1f}" if hasattr(iocg, "delay") else "-",
    ]


def print_controller(name: str, ioc: Object) -> None:
    # The rate that it aims at has its own member since 5.10 (ac33e91e2dac).
    if hasattr(ioc, "vtime_base_rate"):
        rate = ioc.vtime_base_rate.value_()
    else:
        rate = ioc.vtime_rate.counter.value_()
    running = "running" if ioc.running == prog["IOC_RUNNING"] else "idle"
    print(
        f"{name}: {running if ioc.enabled else 'off'},"
        f" period {ioc.period_us.value_() / 1000:.1f} ms,"
        f" virtual time at {percent(rate, prog['VTIME_PER_USEC'].value_())} %,"
        f" busy {ioc.busy_level.value_():+d}"
    )
    rows = [group_row(ioc, iocg) for iocg in groups(ioc)]
    if rows:
        heading = ["CGROUP", "WEIGHT", "ACTIVE%", "INUSE%", "INFLIGHT%", "USAGE%"]
        print_table([[*heading, "DEBT ms", "DELAY ms"], *sorted(rows)])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="iocost_monitor.py",
        description="Watch the iocost controller of block devices.",
    )
    parser.add_argument(
        "-i", "--interval", type=float, help="look again after so many seconds"
    )
    parser.add_argument("device", nargs="*", help="name, such as sda (default: all)")
    args = parser.parse_args()
    if args.interval is not None and not prog.flags & ProgramFlags.IS_LIVE:
        parser.error("a dump does not change: --interval is for running kernels")
    while True:
        found = [
            (name, ioc)
            for disk in for_each_disk(prog)
            if (ioc := controller(disk)) is not None
            if (name := disk_name(disk).decode()) in (args.device or [name])
        ]
        for name, ioc in found:
            print_controller(name, ioc)
        if not found:
            print("iocost controls no such device")
        if args.interval is None:
            return
        time.sleep(args.interval)
        print()


main()
