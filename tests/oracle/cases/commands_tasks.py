# The crash commands about tasks: ps, task, sig, vm, and foreach with these.
import contextlib
import io

from drgn import FaultError
from drgn.commands import run_command
from drgn.helpers.linux import find_task, for_each_task


def run(line):
    print("%", line, flush=True)
    try:
        # How a command is used is said on standard error.
        with contextlib.redirect_stderr(io.StringIO()):
            run_command(prog, f"crash {line}")
    except Exception as error:
        # The texts of errors are each one's own.
        print(isinstance(error, SyntaxError) or "failed", flush=True)


def has_stack(task):
    try:
        prog.read_u64(task.thread.sp)
    except FaultError:
        return False
    return True


def pid(name):
    tasks = (task for task in for_each_task(prog) if task.comm.string_() == name)
    return next(tasks).pid.value_()


init = f"{find_task(prog, 1).value_():x}"
threads = pid(b"threads")
thread = pid(b"thread-0")
names = ("wait-pipe", "wait-files", "map-memory", "sockets", "contained", "stopped")
processes = " ".join(str(pid(name.encode())) for name in names)
# Upstream's ps -m fails with tasks of a CPU that the panic stopped.
panicked = "panic" in (prog.core_dump_path or "")
# Its ps -s fails with zombies whose stacks are given back already.
stacks = all(has_stack(task) for task in for_each_task(prog))

# What it prints is not compared: upstream leaves out the state without a panic.
with contextlib.redirect_stdout(io.StringIO()):
    run("set 1")
for options in (
    "", "-G", "-H", "-S", "-a", "-c", "-g", "-k", "-l", "-p", "-r", "-s", "-t", "-u",
    "-A", "-y 0", "-y FIFO", "-y RR,FIFO", "-y idle", "-y 9", "-y NORMAL -A", "-l -C 0",
    "-l -C 0-1", "-l -C a", "-A -H", "-l -H", "-s -G", "-G -A", "-k -A", "-u -A",
    "-k -G", "-u -G", "-k -s", "-u -t", "-S -u", "-S -k", "-c -G", "-p -G", "-l -u",
    "-C 0", "-s -p", "-k -u", "-y xx", "-z",
):  # fmt: skip
    if stacks or "-s" not in options or "-k" in options:
        run(f"ps {options}")
if not panicked:
    run("ps -m")
    run("ps -m -C 1")
    run("ps -m workload zombie")
for words in (
    "1", "0", "2 1", "1 1", f"{init} 1", init, threads, thread, f"-G {thread}",
    f"-G {threads} {thread}", f"-g {thread}", f"-a {thread}", f"-c {threads}",
    f"-p {thread}", f"-t 1 {thread}", f"-r {thread}", "-l 1 2", "-S 1 2", "workload 1",
    "nosuch", "kworker", "'kworker.*'", r"\ksoftirqd/0", r"\1", r"\\init", "init 1",
    r'"\init"', r'"\\init"', "swapper/0",
    "-k swapper/0", "-k 1", "-u 2", "99999", "ffff888000000000", "dd", "-k 99999 1",
    "157 threads 1 'work.*'",
):  # fmt: skip
    run(f"ps {words}")

run("task -R comm,pid 1 2")
run("task -R comm,flags -x 1")
run("task -R thread_info -R mm,se.vruntime -d 1")
run("task comm,pid 1")
run("task -R nosuch 1")
run("task 99999")
run("task ffff888000000000")

for words in (
    "1", "2", "0", threads, f"-g {thread}", pid(b"zombie"), "1 2", "99999", "-l",
    "-l 1", "-s 0", "-s ff", "-s 0x3000", "-s ffffffffffffffff", "-s zz", "-g -l",
):  # fmt: skip
    run(f"sig {words}")

run(f"vm 1 {processes}")
run("vm 2")
run(f"vm {thread}")
run("vm 99999")

for line in (
    "ps", "ps -s", "ps -S", "ps -G", "ps -g", "ps -c", "ps -p", "ps -a", "ps -t",
    "ps -l", "ps -r", "ps -H", "ps -y RR", "ps -A", "sig -g", "sig", "task -R comm",
    "1 2 vm", "kernel ps", "user ps", "gleader ps", "active ps", "user gleader ps",
    "kernel active ps", "S ps", "D ps", "Z ps", "t ps", "T ps", "R D ps", "R ps",
    "kernel user ps", "kernel gleader ps", "2 1 ps", "1 1 ps", "init 1 ps", "nosuch ps",
    "kthreadd 3 init 1 ps", "'k.*d' ps", "init 99999 ps", "99999 ps", "DE ps",
    f"gleader {thread} ps", f"{thread} ps -G", f"{thread} {threads} ps -g",
    "kernel sig", "1 ps -z", "1 ps 2", "1 sig -l", "", "1", "net", "ps ps",
    "kernel kernel ps",
):  # fmt: skip
    if stacks or line != "ps -s":
        run(f"foreach {line}")
