"""What bpf_inspect.py says of links that no guest has; run by drgn with its path."""

# ruff: noqa: F821 (prog, and the functions of the example)
from __future__ import annotations

import contextlib
import io
import sys

from drgn import Object, sizeof
from drgn.helpers.linux import netdev_get_by_name

path, sys.argv = sys.argv[1], [sys.argv[1], "map"]
with open(path) as file, contextlib.redirect_stdout(io.StringIO()):
    exec(compile(file.read(), path, "exec"))
net = prog["init_net"]
MEMORY = 0xFFFFFF0000000000


def make(name: str, **values: int) -> Object | None:
    """A link of which these members of its structure are not zero."""
    try:
        type = prog.type(f"struct {name}")
    except LookupError:
        return None
    data = bytearray(sizeof(type))
    for member, value in values.items():
        for path in (member, f"link.{member}"):
            try:
                whole = Object(prog, type, address=0).subobject_(path)
            except LookupError:
                continue
            at, size = whole.address_, sizeof(whole)
            data[at : at + size] = value.to_bytes(size, "little")
            break

    def read(_: int, count: int, offset: int, physical: bool) -> bytes:
        return bytes(data[offset : offset + count])

    global MEMORY
    MEMORY += 0x10000
    prog.add_memory_segment(MEMORY, len(data), read)
    member = Object(prog, type, address=MEMORY).link
    return member.address_of_()


device = netdev_get_by_name(prog, "lo").value_()
words = [prog.symbol(name).address for name in ("schedule", "vfs_read", "vfs_write")]
words += [1, 0]
packed = b"".join(word.to_bytes(8, "little") for word in words)
prog.add_memory_segment(
    MEMORY, 40, lambda _, count, offset, __: packed[offset : offset + count]
)
for name, target, values in (
    ("tcx_link", tcx_target, {"dev": device, "location": 46, "attach_type": 46}),
    ("tcx_link", tcx_target, {}),
    ("netkit_link", netkit_target, {"dev": device, "location": 55, "attach_type": 55}),
    ("bpf_nf_link", netfilter_target, {"net": net.address_, "hook_ops.hooknum": 3}),
    ("bpf_kprobe_multi_link", kprobe_multi_target, {"addrs": MEMORY, "cnt": 2}),
    ("bpf_kprobe_multi_link", kprobe_multi_target, {"addrs": MEMORY + 16, "cnt": 7}),
    ("bpf_struct_ops_link", struct_ops_target, {}),
    ("sockmap_link", sockmap_target, {}),
):
    link = make(name, **values)
    print(name, target(link) if link is not None else "is not there")
