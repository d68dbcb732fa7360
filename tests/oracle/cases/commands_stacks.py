# The crash command bt, with all options but -V.
import contextlib
import io

from drgn.commands import run_command
from drgn.helpers.linux import find_task, for_each_task


def run(line):
    print("%", line, flush=True)
    try:
        # How a command is used is said on standard error.
        with contextlib.redirect_stderr(io.StringIO()):
            run_command(prog, f"crash {line}")
    except Exception:
        # The texts of errors are each one's own.
        print("failed", flush=True)


def pid(name):
    tasks = (task for task in for_each_task(prog) if task.comm.string_() == name)
    return next(tasks).pid.value_()


# What it prints is not compared: upstream leaves out the state without a panic.
with contextlib.redirect_stdout(io.StringIO()):
    run("set 1")
blocked = pid(b"wait-pipe")
# Not -V: a call site may tell a variable that upstream does not know.
for options in ("", "-f", "-F", "-F -F", "-l", "-d", "-l -d", "-f -l"):
    run(f"bt {options} 2 {blocked}")
    run(f"bt {options} -a")
run("bt")
run(f"bt 1 {find_task(prog, 2).value_():x}")
run("bt 0")
run("bt -c 0")
run("bt -c 0,1")
run("bt -c a -l")
run("bt 99999")
run("bt ffff888000000000")
run("bt 2 99999 1")
for wrong in ("-c 5", "-c x", "-a 1", "-a -p", "-f -F", "init", "-z"):
    run(f"bt {wrong}")
run("foreach kernel bt")
run("foreach kernel bt -f -l")
run("foreach kernel D bt")
run("foreach active bt -d")
run("foreach 2 1 bt")
run("foreach 1 bt -a")
