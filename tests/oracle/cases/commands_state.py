# The crash commands about the system's state: runq, timer, log, sys, mod, waitq.
import contextlib
import io

from drgn.commands import run_command
from drgn.helpers.linux import find_module, find_task, for_each_online_pgdat


def run(line):
    print("%", line, flush=True)
    output = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            run_command(prog, f"crash {line}")
    except Exception:
        # The texts of errors are each one's own.
        print("failed", flush=True)
        return
    for line in output.getvalue().splitlines():
        # Two dumps of one moment are not one file.
        if "DUMPFILE" not in line:
            print(line)


# What it prints is not compared: upstream leaves out the state without a panic.
with contextlib.redirect_stdout(io.StringIO()):
    run("set 1")
for options in (
    "", "-t", "-T", "-m", "-g", "-c 0", "-c 0,1", "-c 1,0,0", "-c a", "-g -c 1",
    "-t -c 1", "-m -c 0", "-T -c 0", "-t -m", "-c 9", "1",
):  # fmt: skip
    run(f"runq {options}")
for options in (
    "",
    "-r",
    "-C 0",
    "-C 1",
    "-C 0,1",
    "-C a",
    "-r -C 1",
    "-r -C 0-1",
    "1",
):
    run(f"timer {options}")
for options in ("", "-t", "-T", "-t -T", "foo"):
    run(f"log {options}")
for words in ("", "config", "foo", "-c"):
    run(f"sys {words}")
# Upstream prints an empty table of a module that there is not.
loop = ["-s loop"] if find_module(prog, "loop") else []
for words in ("", "-t", *loop, "-s", "-t -S", "foo", "-s a b c"):
    run(f"mod {words}")

pgdat = next(iter(for_each_online_pgdat(prog)))
queue = find_task(prog, 1).signal
for words in (
    "kauditd_wait", "log_wait", f"{pgdat.kswapd_wait.address_:x}",
    f"pglist_data.kswapd_wait {pgdat.value_():x}", f"{queue.wait_chldexit.address_:x}",
    f"signal_struct.wait_chldexit {queue.value_():x}", "", "nosuch", "a b c", "0",
    "nosuch.member 0", f"signal_struct.nosuch {queue.value_():x}", "deadbeef00000000",
    "signal_struct.wait_chldexit zz", f"signal_struct {queue.value_():x}",
):  # fmt: skip
    run(f"waitq {words}")
