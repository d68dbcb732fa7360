"""The kernel lab: a Debian kernel, booted in QEMU, and dumps of it.

``scripts/kernel-lab`` builds it once for each kernel version in a cache directory;
tests open it through :func:`lab.manifest.find`.
"""
