# The crash command files, with all options.
import contextlib
import io

from drgn.commands import run_command
from drgn.helpers.linux import (
    find_task,
    for_each_file,
    for_each_task,
    for_each_vma,
    path_lookup,
)


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
names = ("wait-files", "wait-pipe", "threads", "thread-0", "contained", "wait-epoll")
pids = [pid(name.encode()) for name in names]
some = " ".join(map(str, pids))
run("files")
run(f"files 1 2 0 {some}")
run(f"files -c 1 2 {some}")
run("files 99999 1")
run("files ffff888000000000")
_, file = next(for_each_file(find_task(prog, pids[0])))
dentry = file.f_path.dentry
inode = file.f_inode
mapping = inode.i_mapping
for reference in ("0", "1", "pipe", "/", "ext4", "nosuch", "DIR"):
    run(f"files -R {reference} {some}")
    run(f"files -c -R {reference} {some}")
for address in (file, dentry, inode, mapping, find_task(prog, 1)):
    run(f"files -R {address.value_():x} {some}")
    run(f"files -c -R {address.value_():x} {some}")
run(f"files -d {dentry.value_():x}")
root = find_task(prog, 1).fs.root.dentry
run(f"files -d {root.value_():x}")
for path in "/mnt/ext4", "/tree/a", "/tree/a/b", "/dev", "/proc":
    run(f"files -d {path_lookup(prog, path).dentry.value_():x}")
executable = next(
    vma.vm_file for vma in for_each_vma(find_task(prog, 1).mm) if vma.vm_file
)
run(f"files -d {executable.f_path.dentry.value_():x}")
run(f"files -p {executable.f_inode.value_():x}")
run(f"files -p {root.d_inode.value_():x}")
for wrong in ("-d 1 1", "-d zz", "-p 1 -c", "-d 1 -R x", "init"):
    run(f"files {wrong}")
run("foreach kernel files")
run("foreach kernel files -c")
run("files -R / 1 2")
run("files -c -R / 2")
run("foreach kernel files -R tree")
run(f"foreach {some} files -R dev")
