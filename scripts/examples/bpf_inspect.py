"""List BPF programs and maps, and what the programs are attached to.

drgn -c vmcore -s vmlinux scripts/examples/bpf_inspect.py [prog|map|link]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator

from drgn import FaultError, Object, Type, cast, container_of
from drgn.helpers.common.format import print_table
from drgn.helpers.linux import (
    bpf_link_for_each,
    bpf_map_for_each,
    bpf_prog_for_each,
    bpf_prog_used_maps,
    cgroup_bpf_prog_for_each,
    cgroup_path,
    css_for_each_descendant_pre,
    d_path,
    for_each_net,
    for_each_netdev,
    netdev_name,
)


def enumerator(value: Object, prefix: str) -> str:
    """The name of an enumerator, less its prefix, as bpftool writes it."""
    return _name(value.type_, value.value_(), prefix)


def attach_type(target: Object) -> str:
    """Where a structure of a link says that its program is attached."""
    # All links have it since 6.17.
    where = target.location if hasattr(target, "location") else target.link.attach_type
    return _name(prog.type("enum bpf_attach_type"), where.value_(), "BPF_")


def _name(type: Type, number: int, prefix: str) -> str:
    for each in type.enumerators or ():
        if each.value == number:
            return str(each.name).removeprefix(prefix).lower()
    return str(number)


def program_name(bpf_prog: Object) -> str:
    """The name of its function by BTF, or else its own, which is cut at 15 bytes."""
    aux = bpf_prog.aux
    try:
        btf, info = aux.btf, aux.func_info[aux.func_idx]  # Since 5.0 (838e96904ff3).
        name = btf.strings + btf.types[info.type_id].name_off
        return name.string_().decode()
    except (AttributeError, FaultError):
        return aux.name.string_().decode()


# Links, which know what they attach to. By the name of bpf_link_type.


def tracing_target(link: Object) -> str:
    tracing = container_of(link, "struct bpf_tracing_link", "link.link")
    name = tracing.link.link.prog.aux.attach_func_name
    return name.string_().decode() if name else ""


def cgroup_target(link: Object) -> str:
    cgroup = container_of(link, "struct bpf_cgroup_link", "link").cgroup
    if not cgroup:
        return "a cgroup that is gone"
    return f"cgroup {cgroup_path(cgroup).decode()}"


def raw_tracepoint_target(link: Object) -> str:
    event = container_of(link, "struct bpf_raw_tp_link", "link").btp
    return f"tracepoint {event.tp.name.string_().decode()}"


def xdp_target(link: Object) -> str:
    device = container_of(link, "struct bpf_xdp_link", "link").dev
    if not device:
        return "a device that is gone"
    return f"device {netdev_name(device).decode()}"


def netns_target(link: Object) -> str:
    net = container_of(link, "struct bpf_netns_link", "link").net
    if not net:
        return "a namespace that is gone"
    return f"network namespace {net.ns.inum.value_()}"


def perf_event_target(link: Object) -> str:
    file = container_of(link, "struct bpf_perf_link", "link").perf_file
    event = cast("struct perf_event *", file.private_data)
    call = event.tp_event
    if not call:
        return "a perf event"
    # A tracepoint's name is its own, a probe's that of its definition.
    if call.flags & prog["TRACE_EVENT_FL_TRACEPOINT"]:
        return f"tracepoint {call.tp.name.string_().decode()}"
    return f"probe {call.name.string_().decode()}"


def tcx_target(link: Object) -> str:
    return _traffic_target(container_of(link, "struct tcx_link", "link"))


def netkit_target(link: Object) -> str:
    return _traffic_target(container_of(link, "struct netkit_link", "link"))


def _traffic_target(target: Object) -> str:
    if not target.dev:
        return "a device that is gone"
    device = netdev_name(target.dev).decode()
    return f"{attach_type(target)} of device {device}"


def netfilter_target(link: Object) -> str:
    netfilter = container_of(link, "struct bpf_nf_link", "link")
    hook = netfilter.hook_ops
    return (
        f"hook {hook.hooknum.value_()} of protocol family {hook.pf.value_()}"
        f" in network namespace {netfilter.net.ns.inum.value_()}"
    )


def kprobe_multi_target(link: Object) -> str:
    probes = container_of(link, "struct bpf_kprobe_multi_link", "link")
    shown = []
    for i in range(min(probes.cnt.value_(), 3)):
        address = probes.addrs[i].value_()
        try:
            shown.append(prog.symbol(address).name)
        except LookupError:
            shown.append(hex(address))
    more = probes.cnt.value_() - len(shown)
    return f"functions {', '.join(shown)}" + (f" and {more} more" if more else "")


def uprobe_multi_target(link: Object) -> str:
    probes = container_of(link, "struct bpf_uprobe_multi_link", "link")
    path = d_path(probes.path.address_of_()).decode()
    return f"{probes.cnt.value_()} places of {path}"


def struct_ops_target(link: Object) -> str:
    map = container_of(link, "struct bpf_struct_ops_link", "link").map
    return f"map {map.id.value_()}" if map else "a map that is gone"


def sockmap_target(link: Object) -> str:
    map = container_of(link, "struct sockmap_link", "link").map
    return f"map {map.id.value_()}" if map else "a map that is gone"


def iter_target(link: Object) -> str:
    target = container_of(link, "struct bpf_iter_link", "link").tinfo
    return f"iterator {target.reg_info.target.string_().decode()}"


TARGETS: dict[str, Callable[[Object], str]] = {
    "tracing": tracing_target,
    "cgroup": cgroup_target,
    "raw_tracepoint": raw_tracepoint_target,
    "xdp": xdp_target,
    "netns": netns_target,
    "perf_event": perf_event_target,
    "iter": iter_target,
    "tcx": tcx_target,
    "netkit": netkit_target,
    "netfilter": netfilter_target,
    "kprobe_multi": kprobe_multi_target,
    "uprobe_multi": uprobe_multi_target,
    "struct_ops": struct_ops_target,
    "sockmap": sockmap_target,
}


def links() -> Iterator[tuple[Object, str, str]]:
    """(``struct bpf_link *``, type, what it attaches its program to)."""
    try:
        found = list(bpf_link_for_each(prog))
    except LookupError:  # Kernels before 5.8 have none.
        return
    for link in found:
        kind = enumerator(link.type, "BPF_LINK_TYPE_")
        target = TARGETS.get(kind)
        yield link, kind, "" if target is None else target(link)


# What has no link.


def cgroup_attachments() -> Iterator[tuple[int, str, str]]:
    """(program ID, how, where) of the programs of cgroups."""
    try:
        root = prog["cgrp_dfl_root"].cgrp.self.address_of_()
    except KeyError:
        return
    # Numbered apart from bpf_attach_type since 5.15 (6fc88c354f3a).
    try:
        types = prog.type("enum cgroup_bpf_attach_type").enumerators or ()
    except LookupError:
        types = prog.type("enum bpf_attach_type").enumerators or ()
    for css in css_for_each_descendant_pre(root):
        for type in types:
            if not 0 <= type.value < len(css.cgroup.bpf.progs):
                continue
            for bpf_prog in cgroup_bpf_prog_for_each(css.cgroup, type.value):
                if not bpf_prog:
                    continue  # Attached by a link, for upstream's helper.
                name = type.name.removeprefix("BPF_").lower()
                path = cgroup_path(css.cgroup).decode()
                yield bpf_prog.aux.id.value_(), name, f"cgroup {path}"


def device_attachments() -> Iterator[tuple[int, str, str]]:
    """(program ID, how, where) of XDP programs, which may have no link."""
    for net in for_each_net(prog):
        for device in for_each_netdev(net):
            try:
                states = device.xdp_state  # Since 5.9 (7f0a838254bd).
            except AttributeError:
                programs = [device.xdp_prog] if hasattr(device, "xdp_prog") else []
            else:
                programs = [state.prog for state in states]
                programs += [state.link.link.prog for state in states if state.link]
            for bpf_prog in programs:
                if bpf_prog:
                    where = f"device {netdev_name(device).decode()}"
                    yield bpf_prog.aux.id.value_(), "XDP", where


def attachments() -> dict[int, list[str]]:
    """Where each program is attached, by its ID."""
    found: dict[int, list[str]] = defaultdict(list)
    linked = set()
    for link, kind, target in links():
        if link.prog:
            number, id = link.id.value_(), link.prog.aux.id.value_()
            where = f"link {number} ({kind})" + (f" to {target}" if target else "")
            found[id].append(where)
            linked.add((id, target))
    for id, how, target in [*cgroup_attachments(), *device_attachments()]:
        if (id, target) not in linked:
            found[id].append(f"{how} of {target}")
    return found


# The lists.


def print_programs() -> None:
    attached = attachments()
    rows = [["ID", "TYPE", "NAME", "MAPS", "ATTACHED TO"]]
    for bpf_prog in bpf_prog_for_each(prog):
        id = bpf_prog.aux.id.value_()
        maps = [str(map.id.value_()) for map in bpf_prog_used_maps(bpf_prog)]
        rows.append(
            [
                str(id),
                enumerator(bpf_prog.type, "BPF_PROG_TYPE_"),
                program_name(bpf_prog),
                ",".join(maps),
                "; ".join(dict.fromkeys(attached.get(id, []))),
            ]
        )
    print_table(rows)


def print_maps() -> None:
    rows = [["ID", "TYPE", "NAME", "KEY", "VALUE", "ENTRIES", "PROGRAMS"]]
    users = defaultdict(list)
    for bpf_prog in bpf_prog_for_each(prog):
        for map in bpf_prog_used_maps(bpf_prog):
            users[map.id.value_()].append(str(bpf_prog.aux.id.value_()))
    for map in bpf_map_for_each(prog):
        id = map.id.value_()
        sizes = map.key_size, map.value_size, map.max_entries
        rows.append(
            [
                str(id),
                enumerator(map.map_type, "BPF_MAP_TYPE_"),
                map.name.string_().decode(),
                *(str(size.value_()) for size in sizes),
                ",".join(users[id]),
            ]
        )
    print_table(rows)


def print_links() -> None:
    rows = [["ID", "TYPE", "PROGRAM", "ATTACHED TO"]]
    for link, kind, target in links():
        program = str(link.prog.aux.id.value_()) if link.prog else ""
        rows.append([str(link.id.value_()), kind, program, target])
    print_table(rows)


LISTS = {"prog": print_programs, "map": print_maps, "link": print_links}

parser = argparse.ArgumentParser(
    prog="bpf_inspect.py", description="List BPF programs, maps and links."
)
parser.add_argument("list", nargs="?", choices=LISTS, help="only these")
args = parser.parse_args()
for name, print_list in LISTS.items():
    if args.list in (None, name):
        print_list()
        if args.list is None and name != "link":
            print()
