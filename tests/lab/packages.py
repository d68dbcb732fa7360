"""Debian's kernels and their debug symbols, fetched with apt-get."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

#: Taken when no version is asked for; where it is gone, the newest there is.
DEFAULT_SERIES = "6.1."
#: Taken when a release is not asked for in full. The others are much larger.
DEFAULT_FLAVOUR = "cloud-amd64"


class LabError(Exception):
    """The lab cannot be built; says what is missing."""


class GuestError(LabError):
    """Nothing is missing, but the guest does not do what it should."""


def _natural(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _releases() -> list[str]:
    """Releases with debug symbols, newest first."""
    if not shutil.which("apt-cache"):
        raise LabError("no apt, which fetches kernels; --build takes one built by hand")
    listed = subprocess.run(
        ["apt-cache", "pkgnames", "linux-image-"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    # "6.12-cloud-amd64-dbg" is a meta-package, which has no third number.
    found = re.findall(
        r"^linux-image-(\d+\.\d+\.\d+\S*-amd64)-dbg$", listed, re.MULTILINE
    )
    return sorted(found, key=_natural, reverse=True)


def _is_flavour(release: str, flavour: str) -> bool:
    """Of "amd64", 6.1.0-56-amd64 is, 6.1.0-56-rt-amd64 is not."""
    return re.fullmatch(rf".*\d-{flavour}", release) is not None


def _has_candidate(package: str) -> bool:
    shown = subprocess.run(
        ["apt-cache", "policy", package], capture_output=True, text=True
    ).stdout
    return "Candidate:" in shown and "Candidate: (none)" not in shown


def choose(version: str | None, flavour: str = DEFAULT_FLAVOUR) -> tuple[str, str]:
    """(release, image package) of the newest kernel of a flavour whose release starts
    with version; a release in full says its flavour itself.

    Raises LabError if apt knows of none.
    """
    everything = _releases()
    releases = [release for release in everything if _is_flavour(release, flavour)]
    wanted = version or DEFAULT_SERIES
    if wanted in everything:
        matching = [wanted]
    else:
        matching = [release for release in releases if release.startswith(wanted)]
    if not matching and version is None:
        matching = releases
    for release in matching:
        for image in (f"linux-image-{release}", f"linux-image-{release}-unsigned"):
            if _has_candidate(image):
                return release, image
    raise LabError(
        f"apt has no linux-image-{wanted}*-{flavour} with its -dbg package "
        "(run apt-get update?)"
    )


def _parts(release: str, image: str) -> list[str]:
    """The packages of a kernel: from Debian 13 on, image and modules are apart."""
    apart = [f"linux-{part}-{release}" for part in ("base", "binary", "modules")]
    shown = subprocess.run(
        ["apt-cache", "depends", image], capture_output=True, text=True
    ).stdout
    return [image, *(package for package in apart if package in shown.split())]


def _link_as_before(root: Path, release: str) -> None:
    """From Debian 13 on all lies below usr, the image among the modules."""
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")
    image = root / f"boot/vmlinuz-{release}"
    if not image.exists():
        image.parent.mkdir(exist_ok=True)
        image.symlink_to(root / f"lib/modules/{release}/vmlinuz")


def fetch(release: str, image: str, directory: Path) -> Path:
    """Download the kernel's packages and unpack them into ``directory/root``."""
    root = directory / "root"
    done = directory / "unpacked"
    if done.exists():
        return root
    debs = directory / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        ["apt-get", "download", *_parts(release, image), f"linux-image-{release}-dbg"],
        cwd=debs, capture_output=True, text=True,
    )  # fmt: skip
    if result.returncode:
        raise LabError(f"apt-get download {image}: {result.stderr.strip()}")
    unpackers = [
        subprocess.Popen(["dpkg", "-x", deb, root]) for deb in debs.glob("*.deb")
    ]
    if any(unpacker.wait() for unpacker in unpackers):
        raise LabError(f"dpkg -x failed in {debs}")
    _link_as_before(root, release)
    for deb in debs.glob("*.deb"):
        deb.unlink()
    done.touch()
    return root
