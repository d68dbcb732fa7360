"""Which kernels a lab is built of."""

from __future__ import annotations

import pytest

from . import packages

RELEASES = [
    "6.12.117+deb12-rt-amd64",
    "6.12.117+deb12-cloud-amd64",
    "6.12.117+deb12-amd64",
    "6.1.0-56-rt-amd64",
    "6.1.0-56-cloud-amd64",
    "6.1.0-56-amd64",
]


@pytest.mark.parametrize(
    ("version", "flavour", "release"),
    [
        (None, "cloud-amd64", "6.1.0-56-cloud-amd64"),
        ("6.12", "cloud-amd64", "6.12.117+deb12-cloud-amd64"),
        ("6.12", "amd64", "6.12.117+deb12-amd64"),
        (None, "rt-amd64", "6.1.0-56-rt-amd64"),
        ("6.1.0-56-amd64", "cloud-amd64", "6.1.0-56-amd64"),
    ],
)
def test_choose(
    monkeypatch: pytest.MonkeyPatch, version: str | None, flavour: str, release: str
) -> None:
    monkeypatch.setattr(packages, "_releases", lambda: RELEASES)
    monkeypatch.setattr(packages, "_has_candidate", lambda package: True)
    assert packages.choose(version, flavour) == (release, f"linux-image-{release}")


def test_choose_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_releases", lambda: RELEASES)
    with pytest.raises(packages.LabError, match=r"linux-image-5.4\*-rt-amd64"):
        packages.choose("5.4", "rt-amd64")
