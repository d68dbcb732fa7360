"""Loading a module into the kernel that we run on."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

from drgn import Architecture, Program, ProgramFlags
from drgn.helpers.experimental._kmodify_module import DONE, has_symbol

__all__ = ("check", "load")

_SYS_INIT_MODULE = 175  # arch/x86/entry/syscalls/syscall_64.tbl

_RUNNING_KERNEL = (
    ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
)

_REASONS = {
    errno.EPERM: "it takes root, and a kernel that is not locked down",
    errno.EKEYREJECTED: "the kernel takes signed modules only",
    errno.ENOKEY: "the kernel takes signed modules only",
    errno.ENOSYS: "the kernel has no loadable modules",
}


def check(prog: Program) -> None:
    """Raise the error that says why the program cannot be modified, if it cannot.

    :raises ValueError: if it is not the running kernel
    :raises NotImplementedError: if there is no code for such a kernel
    """
    if prog.flags & _RUNNING_KERNEL != _RUNNING_KERNEL:
        raise ValueError("kmodify is only available for the running kernel")
    platform = prog.platform
    if (
        platform is None
        or platform.arch != Architecture.X86_64
        or sys.maxsize < 1 << 32
    ):
        raise NotImplementedError("kmodify is only implemented for x86-64")
    # Indirect calls (as of a module's init) look for a hash that ours has not.
    if has_symbol(prog, "report_cfi_failure"):
        raise NotImplementedError(
            "kmodify is not implemented for kernels with control-flow integrity "
            "(CONFIG_CFI_CLANG)"
        )


def load(image: bytes) -> None:
    """Run a module that does not stay.

    :raises OSError: if the kernel does not take it
    """
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(
        ctypes.c_long(_SYS_INIT_MODULE),
        ctypes.c_char_p(image),
        ctypes.c_ulong(len(image)),
        ctypes.c_char_p(b""),
    )
    check_result(ctypes.get_errno() if result else 0)


def check_result(error: int) -> None:
    """Raise OSError unless ``error`` says that the module has done its work."""
    if error != DONE:
        reason = _REASONS.get(error, "the kernel's log may say why")
        raise OSError(
            error, f"cannot load a kernel module: {os.strerror(error)} ({reason})"
        )
