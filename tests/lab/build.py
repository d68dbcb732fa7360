"""Build a lab: packages, guest, boot, dumps, kdump files. ``scripts/kernel-lab``."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import (
    initramfs,
    kdump_writer,
    manifest,
    own_kernel,
    packages,
    page_filter,
    vmcoreinfo_note,
)
from .machine import Machine
from .vmcore import Vmcore

#: Raised when what a lab holds changes, so that older ones are built again.
FORMAT = 2

#: The exit status that says what is missing, beside 1, which is an error of ours.
CANNOT_BE_HAD = 3

_started = time.monotonic()


PANIC_DUMPS = {
    "panic.elf": "elf",
    "panic.kdump-flat": "kdump-zlib",
    "panic.kdump-flat-lzo": "kdump-lzo",
    "panic.kdump-flat-snappy": "kdump-snappy",
}

TWO_NODES = (
    "-object", "memory-backend-ram,id=low,size=160M",
    "-object", "memory-backend-ram,id=high,size=96M",
    "-numa", "node,memdev=low,cpus=0", "-numa", "node,memdev=high,cpus=1-2",
)  # fmt: skip

#: Name of a dump -> names of its files.
Dumps = dict[str, list[str]]


class Guest(NamedTuple):
    kernel: Path
    initramfs: Path


def say(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.1f}s] {text}", file=sys.stderr, flush=True)


def once_more(
    boot: Callable[[Path, Guest, Dumps], None],
    directory: Path,
    guest: Guest,
    dumps: Dumps,
) -> None:
    """Boot and dump a guest, and again if it hangs, as emulated ones do at times."""
    try:
        boot(directory, guest, dumps)
    except packages.GuestError as error:
        say(f"{error}\nbooting it once more")
        boot(directory, guest, dumps)


def boot_and_dump(directory: Path, guest: Guest, dumps: Dumps) -> None:
    """Boot the guest and dump it live and panicked."""
    disks = initramfs.build_disks(directory)
    # Before 5.5 (8341f2f222d7), sysrq does not panic but reads from nowhere.
    with Machine(
        directory, guest.kernel, guest.initramfs, disks, append="oops=panic"
    ) as machine:
        go_live(machine)
        say("dumping it live")
        for name, format in (("live.elf", "elf"), ("live.kdump-flat", "kdump-zlib")):
            dumps[name] = [name]
            machine.dump(directory / name, format)
        machine.qmp("cont")
        machine.answer()
        machine.wait_for("end Kernel panic")
        say("dumping its panic")
        machine.qmp("stop")
        # QEMU knows more than zlib where it was built with the libraries.
        formats = machine.dump_formats()
        for name, format in PANIC_DUMPS.items():
            if format in formats:
                dumps[name] = [name]
                machine.dump(directory / name, format)
    unpack_facts(disks[2], directory / "facts")
    if add_vmcoreinfo(directory, ("live.elf", "panic.elf"), "facts"):
        # QEMU's kdump files stay without.
        for name in [name for name in dumps if "-flat" in name]:
            (directory / dumps.pop(name)[0]).unlink()


def boot_and_dump_la57(directory: Path, guest: Guest, dumps: Dumps) -> None:
    """Boot the guest with five levels of page tables, two nodes of memory, and
    processors that may come, and dump it live."""
    disks = initramfs.build_disks(directory)
    say("booting it with 5-level page tables")
    with Machine(
        directory,
        guest.kernel,
        guest.initramfs,
        disks,
        memory=256,
        cpu="max",
        smp="2,maxcpus=3",
        more=TWO_NODES,
    ) as machine:
        go_live(machine)
        dumps["la57.elf"] = ["la57.elf"]
        machine.dump(directory / "la57.elf")
    unpack_facts(disks[2], directory / "la57-facts")
    add_vmcoreinfo(directory, ("la57.elf",), "la57-facts")


def go_live(machine: Machine, seconds: float = 600) -> None:
    """Lead a guest to where it is dumped live, and stop it there.

    Raises GuestError if it does not get there, in ``seconds`` for each half of the way.
    """
    machine.wait_for("LAB hold-disk", seconds)
    machine.qmp(
        "block_set_io_throttle", id="/machine/peripheral/blk0/virtio-backend",
        bps=1, bps_rd=0, bps_wr=0, iops=0, iops_rd=0, iops_wr=0,
    )  # fmt: skip
    machine.answer()
    machine.wait_for("LAB live", seconds)
    time.sleep(1)  # until its shell waits for the answer
    machine.qmp("stop")


def write_kdumps(directory: Path, dumps: Dumps) -> None:
    """Write kdump files of every kind from the ELF dumps."""

    def write(name: str, core: Vmcore, *args: Any, **options: Any) -> None:
        dumps[name] = [name]
        kdump_writer.write(directory / name, core, *args, **options)

    live = Vmcore(directory / "live.elf")
    for compression in kdump_writer.FLAGS:
        write(f"live.kdump.{compression}", live, compression)
    excluded = page_filter.zero_pages(live) | page_filter.free_and_user_pages(live)
    write("live.kdump.excluded", live, excluded=excluded)
    parts = ["live.kdump.split1", "live.kdump.split2"]
    dumps["live.kdump.split"] = parts
    kdump_writer.write_split([directory / part for part in parts], live)
    write("panic.kdump.zlib", Vmcore(directory / "panic.elf"))
    write("la57.kdump.zlib", Vmcore(directory / "la57.elf"))


def unpack_facts(image: Path, directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    with open(image, "rb") as file, tarfile.open(fileobj=file) as archive:
        # Python knows filters from 3.11.4 on, and wants one from 3.12 on.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(directory)


def add_vmcoreinfo(directory: Path, names: Sequence[str], facts: str) -> bool:
    """Give VMCOREINFO to ELF dumps that have none; whether they had none."""
    told = (directory / facts / "sys/vmcoreinfo").read_text()
    added = [vmcoreinfo_note.add(directory / name, told) for name in names]
    return any(added)


def build(
    version: str | None,
    flavour: str,
    root: Path,
    *,
    tree: Path | None = None,
    again: bool = False,
) -> manifest.Lab:
    """Build the lab of one of Debian's kernels, or of the one built in ``tree``."""
    if tree is not None:
        release, image = own_kernel.release(tree), str(tree)
    else:
        release, image = packages.choose(version, flavour)
    directory = root / release
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / manifest.MANIFEST).exists() and not again:
        lab = manifest.Lab(directory)
        if lab.format >= FORMAT:
            return lab
    initramfs.check_programs()
    say(f"fetching {image} and its debug symbols")
    if tree is not None:
        unpacked = own_kernel.lay_out(tree, directory)
    else:
        unpacked = packages.fetch(release, image, directory)
    say("building the guest")
    guest = Guest(
        unpacked / f"boot/vmlinuz-{release}",
        initramfs.build(unpacked, release, directory),
    )
    dumps: Dumps = {}
    say("booting it")
    once_more(boot_and_dump, directory, guest, dumps)
    once_more(boot_and_dump_la57, directory, guest, dumps)
    say("writing kdump files")
    write_kdumps(directory, dumps)
    for path in directory.glob("*.elf"):
        subprocess.run(["fallocate", "--dig-holes", path], check=False)
    for disk in directory.glob("*.img"):
        disk.unlink()
    debug = unpacked / "usr/lib/debug"
    manifest.write(
        directory,
        {
            "format": FORMAT,
            "kernel": release,
            "vmlinux": os.path.relpath(debug / f"boot/vmlinux-{release}", directory),
            "debug_modules": os.path.relpath(
                debug / "lib/modules" / release, directory
            ),
            "facts": "facts",
            "dumps": dumps,
        },
    )
    say("done")
    return manifest.Lab(directory)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="kernel-lab",
        description="Boot a Debian kernel in QEMU and dump it in every format.",
    )
    parser.add_argument(
        "--kernel", metavar="VERSION",
        help="release or the beginning of one, e.g. 6.12 (default: Debian's 6.1)",
    )  # fmt: skip
    parser.add_argument(
        "--flavour", default=packages.DEFAULT_FLAVOUR,
        help="e.g. amd64 or rt-amd64, of a release not given in full "
        "(default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--build", metavar="DIR", type=Path,
        help="no Debian kernel, but the one built in this directory, with debug info "
        "and with what tests/lab uses of drivers and file systems",
    )  # fmt: skip
    parser.add_argument(
        "--directory", type=Path, default=manifest.cache_root(),
        help="cache directory (default: $PYDRGN_LAB or %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--again", action="store_true", help="build it even if it is there"
    )
    options = parser.parse_args()
    try:
        lab = build(
            options.kernel,
            options.flavour,
            options.directory,
            tree=options.build,
            again=options.again,
        )
    except (packages.LabError, OSError) as error:
        print(f"kernel-lab: {error}", file=sys.stderr)
        # An OSError is of a cache that cannot be written to, a full disk, ...
        broken = isinstance(error, (packages.GuestError, OSError))
        return 1 if broken else CANNOT_BE_HAD
    except KeyboardInterrupt:
        print("kernel-lab: interrupted", file=sys.stderr)
        sys.excepthook = lambda *_: None  # Python ends by the signal, and says no more.
        raise
    print(f"vmlinux {lab.vmlinux}")
    for name, paths in lab.dumps.items():
        print(name, *paths)
    return 0
