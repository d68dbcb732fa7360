"""What the guest's root does with drgn; prints JSON."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import drgn
from drgn import FaultError, Object
from drgn.commands import run_command
from drgn.helpers.experimental.kmodify import (
    call_function,
    write_memory,
    write_object,
)
from drgn.helpers.linux import (
    access_remote_vm,
    find_task,
    for_each_module,
    for_each_task,
    get_dmesg,
    virt_to_phys,
)

facts: dict[str, object] = {}
SHOW = (
    'print(prog.flags, prog["UTS_RELEASE"], prog["init_uts_ns"].name.nodename, sep="|")'
)


def run(*arguments: str) -> tuple[list[str], str]:
    result = subprocess.run(
        [sys.executable, "-m", "drgn", *arguments], capture_output=True, text=True
    )
    return result.stdout.strip().rsplit("|", 2), result.stderr


SUDO = """#!/bin/busybox sh
exec {python} -c '
import json, socket, sys
daemon = socket.socket(socket.AF_UNIX)
daemon.connect("/tmp/sudo.socket")
socket.send_fds(daemon, [json.dumps(sys.argv[1:]).encode()], [0])
daemon.recv(1)
' "$@"
"""


def run_by_sudo(*arguments: str) -> tuple[list[str], str]:
    """As run(), but as another user, whose sudo asks us to run something."""
    tools = Path("/tmp/tools")
    tools.mkdir()
    (tools / "sudo").write_text(SUDO.format(python=sys.executable))
    (tools / "sudo").chmod(0o755)
    cache = shutil.copytree("/cache", "/tmp/cache")
    for path in (cache, *Path(cache).rglob("*")):
        os.chown(path, 65534, 65534)
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind("/tmp/sudo.socket")
        os.chmod("/tmp/sudo.socket", 0o666)
        daemon.listen()
        with subprocess.Popen(
            [sys.executable, "-m", "drgn", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            user=65534, group=65534, extra_groups=[],
            env={**os.environ, "PATH": f"{tools}:/bin", "PYDRGN_CACHE_DIR": cache},
        ) as child:  # fmt: skip
            client, _ = daemon.accept()
            with client:
                words, (stdin,), _, _ = socket.recv_fds(client, 65536, 1)
                command = json.loads(words)
                facts["sudo"] = command[: command.index("--")]
                subprocess.run(command[command.index("--") + 1 :], stdin=stdin)
                os.close(stdin)
            output, errors = child.communicate()
    return output.strip().rsplit("|", 2), errors


def lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


facts["by default"], facts["errors by default"] = run("-e", SHOW)
facts["-k"], _ = run("-q", "-k", "-e", SHOW)
facts["-p"], _ = run(
    "-q", "-p", "1", "-e", 'print(prog.flags.value, len(list(prog.threads())), sep="|")'
)

facts["by sudo"], facts["errors by sudo"] = run_by_sudo("-e", SHOW)
facts["without sudo"] = subprocess.run(
    [sys.executable, "-m", "drgn", "-q", "-e", "1"],
    stderr=subprocess.PIPE, text=True, user=65534, group=65534, extra_groups=[],
).stderr  # fmt: skip

prog = drgn.Program()
prog.set_kernel()
prog.load_default_debug_info()

facts["core_dump_path"] = prog.core_dump_path
facts["tasks"] = [
    sorted(task.pid.value_() for task in for_each_task(prog)),
    sorted(int(path.name) for path in Path("/proc").glob("[0-9]*/task/*")),
]
me = find_task(prog, os.getpid())
facts["myself"] = [
    me.comm.string_().decode(),
    me.pid.value_() == os.getpid(),
    me.mm.owner.value_() == me.value_(),
]
facts["modules"] = [
    sorted(module.name.string_().decode() for module in for_each_module(prog)),
    sorted(line.split()[0] for line in lines("/proc/modules")),
]
facts["have no files"] = [
    module.name
    for module in prog.modules()
    if isinstance(module, drgn.RelocatableModule) and module.wants_debug_file()
]
names = "schedule", "init_task", "dummy_xmit", "jiffies_64"
facts["symbols"] = {name: prog.symbol(name).address for name in names}
facts["kallsyms"] = {
    words[2]: int(words[0], 16)
    for words in map(str.split, lines("/proc/kallsyms"))
    if words[2] in names
}
buffer = ctypes.create_string_buffer(b"pydrgn")
facts["memory of a process"] = access_remote_vm(
    me.mm, ctypes.addressof(buffer), 6
).decode()
address = prog["saved_command_line"].value_()
facts["physical"] = [
    prog.read(address, 8).decode(),
    prog.read(virt_to_phys(prog, address), 8, physical=True).decode(),
]
facts["found"] = any(
    prog.read(found, 13) == b"Linux version"
    for found in prog.search_memory(b"Linux version ")
)
try:
    prog.read(0, 8)
except FaultError as error:
    facts["fault"] = [type(error).__name__, hex(error.address)]
ticks = prog["jiffies_64"].value_()
time.sleep(0.1)
facts["ticks"] = [ticks, prog["jiffies_64"].value_()]
try:
    prog.stack_trace(os.getpid())
    mine = "no error"
except ValueError as error:
    mine = f"{type(error).__name__}: {error}"
with contextlib.redirect_stdout(io.StringIO()) as output:
    run_command(prog, f"crash bt {os.getpid()}")
facts["bt of myself"] = output.getvalue().splitlines()[1:]
facts["stacks"] = [[frame.name for frame in prog.stack_trace(1)], mine]

# Changing it.
nodename = prog["init_uts_ns"].name.nodename
write_memory(prog, nodename.address_, b"written\0")
facts["written"] = [nodename.string_().decode(), os.uname().nodename]
write_object(prog["panic_on_oops"], 7)
facts["object"] = [
    prog["panic_on_oops"].value_(),
    Path("/proc/sys/kernel/panic_on_oops").read_text(),
]
calls = []
for name, *arguments in (
    ("hex_to_bin", ord("c")),
    ("strlen", b"drgns"),
    ("no_such_function",),
):
    try:
        calls.append(str(call_function(prog, name, *arguments)))
    except LookupError as error:
        calls.append(f"{type(error).__name__}: {error}")
facts["calls"] = calls
printk = "_printk" if "_printk" in prog else "printk"
call_function(prog, printk, b"hello from %d %s\n", Object(prog, "int", 42), b"drgns")
facts["said"] = get_dmesg(prog).decode().splitlines()[-1]
print(json.dumps(facts))
