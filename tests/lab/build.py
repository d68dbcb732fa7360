"""Build a lab: packages, guest, boot, dumps, kdump files. ``scripts/kernel-lab``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tarfile
import time
from pathlib import Path

from . import initramfs, manifest, packages
from .machine import Machine

#: Raised when what a lab holds changes, so that older ones are built again.
FORMAT = 1

_started = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.1f}s] {text}", file=sys.stderr, flush=True)


def boot_and_dump(
    directory: Path, kernel: Path, initrd: Path, disks: list[Path]
) -> dict[str, list[str]]:
    """Boot the guest and dump it live and panicked; dump names -> file names."""
    dumps = {}
    with Machine(directory, kernel, initrd, disks) as machine:
        machine.wait_for("LAB hold-disk")
        say("guest is up; holding its disk")
        machine.qmp(
            "block_set_io_throttle",
            id="/machine/peripheral/blk0/virtio-backend", bps=1, bps_rd=0, bps_wr=0, iops=0, iops_rd=0, iops_wr=0,
        )  # fmt: skip
        machine.answer()
        machine.wait_for("LAB live")
        say("dumping it live")
        machine.qmp("stop")
        for name, format in (("live.elf", "elf"), ("live.kdump-flat", "kdump-zlib")):
            machine.dump(directory / name, format)
            dumps[name] = [name]
        machine.qmp("cont")
        machine.answer()
        machine.wait_for("end Kernel panic")
        say("dumping its panic")
        machine.qmp("stop")
        formats = machine.dump_formats()
        panics = {"panic.elf": "elf", "panic.kdump-flat": "kdump-zlib"}
        if "kdump-lzo" in formats:
            panics["panic.kdump-flat-lzo"] = "kdump-lzo"
        if "kdump-snappy" in formats:
            panics["panic.kdump-flat-snappy"] = "kdump-snappy"
        for name, format in panics.items():
            machine.dump(directory / name, format)
            dumps[name] = [name]
    return dumps


def unpack_facts(image: Path, directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    with open(image, "rb") as file, tarfile.open(fileobj=file) as archive:
        archive.extractall(directory, filter="data")


def build(version: str | None, root: Path, *, again: bool = False) -> manifest.Lab:
    release, image = packages.choose(version)
    directory = root / release
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / manifest.MANIFEST).exists() and not again:
        lab = manifest.Lab(directory)
        if lab.format == FORMAT:
            return lab
    say(f"fetching {image} and its debug symbols")
    unpacked = packages.fetch(release, image, directory)
    say("building the guest")
    initrd = initramfs.build(unpacked, release, directory)
    disks = initramfs.build_disks(directory)
    say("booting it")
    dumps = boot_and_dump(directory, unpacked / f"boot/vmlinuz-{release}", initrd, disks)
    unpack_facts(disks[2], directory / "facts")
    for disk in disks:
        disk.unlink()
    debug = unpacked / "usr/lib/debug"
    manifest.write(
        directory,
        {
            "format": FORMAT,
            "kernel": release,
            "vmlinux": os.path.relpath(debug / f"boot/vmlinux-{release}", directory),
            "debug_modules": os.path.relpath(debug / "lib/modules" / release, directory),
            "facts": "facts",
            "dumps": dumps,
        },
    )
    say("done")
    return manifest.Lab(directory)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="kernel-lab",
        description="Boot a Debian cloud kernel in QEMU and dump it in every format.",
    )
    parser.add_argument(
        "--kernel", metavar="VERSION",
        help="release or the beginning of one, e.g. 6.12 (default: Debian's 6.1)",
    )  # fmt: skip
    parser.add_argument(
        "--directory", type=Path, default=manifest.cache_root(),
        help="cache directory (default: $PYDRGN_LAB or %(default)s)",
    )  # fmt: skip
    parser.add_argument("--again", action="store_true", help="build it even if it is there")
    options = parser.parse_args()
    try:
        lab = build(options.kernel, options.directory, again=options.again)
    except packages.LabError as error:
        print(f"kernel-lab: {error}", file=sys.stderr)
        return 1
    print(f"vmlinux {lab.vmlinux}")
    for name, paths in lab.dumps.items():
        print(name, *paths)
    return 0
