"""The guest's root: busybox, the workload, kernel modules, and its disks."""

from __future__ import annotations

import gzip
import lzma
import shutil
import struct
import subprocess
from pathlib import Path

from .packages import LabError

GUEST = Path(__file__).parent / "guest"

MODULES = (
    "qemu_fw_cfg",  # hands vmcoreinfo to QEMU
    "virtio_pci",
    "virtio_blk",
    "loop",
    "crc32c_generic",  # libcrc32c and ext4 ask for it by its algorithm
    "ext4",
    "btrfs",
    "dummy",
    "veth",
    "tun",
    "bridge",
    "8021q",
    "sch_prio",
    "overlay",
    "lzo_rle",  # zram's default, where it has no compressors of its own
    "zram",
    "dm_mod",
    "raid1",
)


def load_order(root: Path, release: str) -> list[Path]:
    """Paths of the MODULES and what they depend on, in the order to load them."""
    _make("depmod", "-b", root, release)
    base = root / "lib/modules" / release
    needs: dict[str, list[str]] = {}
    for line in (base / "modules.dep").read_text().splitlines():
        path, _, dependencies = line.partition(":")
        needs[path] = dependencies.split()
    by_name = {Path(path).name.split(".")[0].replace("-", "_"): path for path in needs}
    order: dict[str, None] = {}
    for name in MODULES:
        if name in by_name:  # else it is built in
            path = by_name[name]
            # modules.dep lists the closest dependency first.
            order.update(dict.fromkeys([*reversed(needs[path]), path]))
    return [base / path for path in order]


def _module_data(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


#: Programs that build and run a guest, and the packages they are in.
PROGRAMS = {
    "busybox": "busybox-static",
    "cpio": "cpio",
    "depmod": "kmod",
    "gcc": "gcc",
    "mke2fs": "e2fsprogs",
    "mkfs.btrfs": "btrfs-progs",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
}


def check_programs() -> None:
    """Raise LabError if any of PROGRAMS is missing."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        packages = " ".join(PROGRAMS[program] for program in missing)
        raise LabError(f"no {', '.join(missing)} (apt-get install {packages})")


def busybox() -> Path:
    """The program that is the guest's userland."""
    found = shutil.which("busybox")
    assert found, "check_programs() comes first"
    return Path(found)


def build_workload(path: Path) -> None:
    """Compile the program that gives the guest something to do."""
    result = subprocess.run(
        ["gcc", "-static", "-O1", "-Wall", "-pthread", "-g",
         "-o", path, *sorted(GUEST.glob("*.c"))],
    )  # fmt: skip
    if result.returncode:
        raise LabError("gcc failed, see above (apt-get install libc6-dev)")


def build(root: Path, release: str, directory: Path) -> Path:
    """Write ``directory/initramfs.gz`` and return its path."""
    tree = directory / "initramfs"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "etc", "modules.d", "dev"):
        (tree / name).mkdir(parents=True)
    shutil.copy(busybox(), tree / "bin/busybox")
    shutil.copy(GUEST / "init", tree / "init")
    (tree / "init").chmod(0o755)
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (tree / "etc/passwd").write_text("root::0:0:root:/:/bin/sh\n")
    build_workload(tree / "workload")
    shutil.copy(tree / "workload", directory / "workload")
    names = []
    for module in load_order(root, release):
        name = module.name.removesuffix(".xz")
        (tree / "modules.d" / name).write_bytes(_module_data(module))
        names.append(f"/modules.d/{name}\n")
    (tree / "modules").write_text("".join(names))
    image = directory / "initramfs.gz"
    image.write_bytes(_archive(tree))
    shutil.rmtree(tree)
    return image


def extend(initramfs: Path, tree: Path, image: Path) -> Path:
    """Write an initramfs with a tree of files besides to ``image``, and return that.

    The kernel unpacks one archive after the other.
    """
    image.write_bytes(initramfs.read_bytes() + _archive(tree))
    return image


def _archive(tree: Path) -> bytes:
    files = subprocess.run(
        ["find", ".", "-print0"], cwd=tree, check=True, capture_output=True
    ).stdout
    archive = subprocess.run(
        ["cpio", "--null", "--quiet", "-o", "-H", "newc", "-R", "0:0"],
        cwd=tree, input=files, check=True, capture_output=True,
    ).stdout  # fmt: skip
    return gzip.compress(archive, 1)


def _empty(path: Path, size: int) -> Path:
    path.unlink(missing_ok=True)
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def _make(*command: object) -> None:
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True
    )
    if result.returncode:
        raise LabError(f"{command[0]} failed: {result.stderr.strip()}")


def build_disks(directory: Path) -> list[Path]:
    """Disk images: ext4 (vda), btrfs (vdb), room for a tar of facts (vdc), and one
    with partitions (vdd)."""
    content = directory / "disk"
    shutil.rmtree(content, ignore_errors=True)
    (content / "slow").mkdir(parents=True)
    pattern = b"".join(b"file pattern %018d\n" % line for line in range(1 << 15))
    (content / "pattern").write_bytes(pattern[: 1 << 20])
    (content / "slow/read").write_bytes(pattern[: 1 << 19])
    (content / "slow/fault").write_bytes(pattern[: 1 << 19])
    _make("mke2fs", "-q", "-t", "ext4", _empty(content / "loop.img", 8 << 20))
    # swapon refuses a file with holes.
    (content / "swap").write_bytes(b"\xff" * (8 << 20))
    (content / "swap").chmod(0o600)
    _make("mkswap", content / "swap")
    ext4 = _empty(directory / "ext4.img", 64 << 20)
    _make("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", content, ext4)
    shutil.rmtree(content)

    btrfs = _empty(directory / "btrfs.img", 128 << 20)
    (directory / "subvolume").mkdir(exist_ok=True)
    (directory / "subvolume/file").write_text("on btrfs\n")
    _make("mkfs.btrfs", "-q", "-r", directory / "subvolume", btrfs)
    shutil.rmtree(directory / "subvolume")

    facts = _empty(directory / "facts.img", 64 << 20)
    return [ext4, btrfs, facts, _build_partitions(directory / "partitions.img")]


#: (first sector, sectors) of the partitions of vdd.
PARTITIONS = ((2048, 4096), (8192, 2048))


def _build_partitions(image: Path) -> Path:
    """A disk with a master boot record: four entries at 446, then 55 AA."""
    entries = b"".join(
        struct.pack("<B3xB3xII", 0, 0x83, start, size) for start, size in PARTITIONS
    )
    with open(_empty(image, 8 << 20), "r+b") as file:
        file.seek(446)
        file.write(entries.ljust(64, b"\0") + b"\x55\xaa")
    return image
