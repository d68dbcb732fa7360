"""``drgn``: open a program, then run a script, some code or the prompt."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import drgn
from drgn import MissingDebugInfoError, Program

from .execute import ending_without_traceback, fail, run_code, run_script
from .magic import Magic, magic_of

if TYPE_CHECKING:
    import argparse

_VMCOREINFO_MAX = 1 << 20
"""Bytes of a file of ``--vmcoreinfo`` that are read; the kernel's is a page."""


def _make_program(args: argparse.Namespace) -> Program:
    platform = None
    if args.architecture:
        platform = drgn.Platform(drgn.Architecture[args.architecture.upper()])
    if args.vmcoreinfo is None:
        return Program(platform)
    with open(args.vmcoreinfo, "rb") as file:
        vmcoreinfo = file.read(_VMCOREINFO_MAX)
    try:
        return Program(platform, vmcoreinfo=vmcoreinfo)
    except drgn.BadDataError as error:
        raise drgn.BadDataError(f"{args.vmcoreinfo}: {error}") from None


def _open_target(prog: Program, args: argparse.Namespace) -> None:
    if args.core is not None:
        prog.set_core_dump(args.core)
    elif args.pid is not None:
        try:
            prog.set_pid(args.pid or os.getpid())
        except PermissionError as error:
            print(error, file=sys.stderr)
            fail("error: attaching to live process requires ptrace attach permissions")
    elif args.qemu is not None:
        prog.set_qemu_qmp(args.qemu)
    else:
        try:
            _open_kernel(prog)
        except PermissionError as error:
            print(error, file=sys.stderr)
            fail("error: debugging the running kernel requires root privileges")


def _open_kernel(prog: Program) -> None:
    try:
        prog.set_kernel()
    except PermissionError:
        from .sudo import can_open_as_root, open_as_root

        if not can_open_as_root():
            raise
        fd = open_as_root("/proc/kcore")
        try:
            prog.set_core_dump(fd)
        finally:
            os.close(fd)


def _load_symbols(prog: Program, args: argparse.Namespace) -> None:
    from .options import apply_symbol_options

    apply_symbol_options(prog, args)
    try:
        prog.load_debug_info(args.symbols, **args.default_symbols)
    except MissingDebugInfoError as error:
        if not args.quiet:
            import logging

            level = logging.WARNING if _has_main_symbols(prog) else logging.CRITICAL
            for line in str(error).splitlines():
                logging.getLogger("drgn").log(level, "%s", line)
    for path in args.extra_symbols:
        _load_extra_symbols(prog, path)


def _load_extra_symbols(prog: Program, path: str) -> None:
    module = prog.extra_module(os.path.abspath(path), create=True)
    module.try_file(path)
    if module.wants_debug_file():
        import logging

        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            reason = "no debugging symbols in it"
        except OSError as error:
            reason = os.strerror(error.errno or 0)
        logging.getLogger("drgn").warning("%s: %s", path, reason)


def open_program(args: argparse.Namespace) -> Program:
    """The program that a command line is about, with its debug info.

    Ends the process, with a line that says why, if it cannot be opened.
    """
    # What loading makes stays: looking through it for garbage would only cost time.
    gc.disable()
    try:
        prog = _make_program(args)
        _open_target(prog, args)
        _load_symbols(prog, args)
    except OSError as error:
        fail(error)
    except (ValueError, LookupError, drgn.BadDataError, drgn.FaultError) as error:
        fail(f"error: {error}")
    gc.freeze()
    gc.enable()
    return prog


def _has_main_symbols(prog: Program) -> bool:
    try:
        return not prog.main_module().wants_debug_file()
    except LookupError:
        return False


def _check_script(path: str) -> None:
    """End the process if there is no script at ``path``."""
    try:
        if not os.path.isfile(path):
            if os.path.isdir(path):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            os.stat(path)
            return  # A pipe: its beginning is the script's.
        magic = magic_of(path)
        if magic is Magic.DUMP:
            fail(f'error: {path} is a core dump\nDid you mean "-c {path}"?')
        if magic is Magic.BINARY:
            fail(f"error: {path} is a binary, not a drgn script")
    except OSError as error:
        fail(error)


def _run_gdb_commands(prog: Program, argv: Sequence[str]) -> None:
    """Run a file of GDB's commands. Ends the process with status 1 if it fails."""
    from .gdb_api.prompt import run_file

    sys.argv[:] = argv
    sys.path[0] = os.path.dirname(os.path.abspath(argv[0]))
    if not run_file(prog, argv[0]):
        sys.exit(1)


def _serve_gdb(argv: Sequence[str]) -> None:
    """Serve what the options open to a GDB: standard output is its own."""
    from . import log
    from .gdbserver.run import serve, split_listen
    from .options import build_parser
    from .prompt import version_header

    address, argv = split_listen(argv)
    parser = build_parser(version_header())
    args = parser.parse_args(argv)
    if args.args or args.exec is not None:
        parser.error("gdbserver runs no script")
    log.setup(args.log_level, args.quiet)
    serve(open_program(args), address)


def _split_gdb_arguments(
    parser: argparse.ArgumentParser, argv: Sequence[str]
) -> tuple[Sequence[str] | None, Sequence[str]]:
    """What is behind ``--gdb``, for GDB, up to ``--``; and the rest.

    None if there is no such option: behind a script, it is the script's.
    """
    if "--gdb" not in argv:
        return None, argv
    where = list(argv).index("--gdb")
    before, behind = [*argv[:where]], [*argv[where + 1 :]]
    if parser.parse_known_args(before)[0].args:
        return None, argv
    if "--" not in behind or "--args" in behind:
        return behind, before
    end = behind.index("--")
    return behind[:end], before + behind[end + 1 :]


@ending_without_traceback()
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line in ``argv`` (default: that of the process).

    Exits with status 1 if the program cannot be opened or the code raised, 2 for
    a wrong command line, and with the script's own status otherwise.
    """
    from . import log
    from .gdb_api.finder import install as install_gdb
    from .options import build_parser
    from .prompt import version_header
    from .streams import open_closed

    open_closed()
    if argv is None:
        argv = sys.argv[1:]
    if argv[:1] == ["gdb"]:
        from .gdb_launch import launch_gdb

        launch_gdb(argv[1:])
    if argv[:1] == ["gdbserver"]:
        _serve_gdb(argv[1:])
        return
    version = version_header()
    parser = build_parser(version)
    gdb_arguments, argv = _split_gdb_arguments(parser, argv)
    args = parser.parse_args(argv)
    if args.gdb_script:
        from .gdb_launch import gdb_script

        print(gdb_script())
        return
    log.setup(args.log_level, args.quiet)
    interactive = args.exec is None and not args.args and sys.stdin.isatty()
    if interactive:
        print(version, file=sys.stderr, flush=True)
    if args.exec is None and args.args:
        _check_script(args.args[0])  # Before a long load.
    if gdb_arguments is not None:
        from .gdb.run import run_with_gdb

        sys.exit(run_with_gdb(args, gdb_arguments))
    prog = open_program(args)
    drgn.set_default_prog(prog)
    install_gdb()
    if args.exec is not None:
        run_code(prog, args.exec, "<string>", ["-e", *args.args])
    elif args.args and args.args[0].endswith(".gdb"):
        _run_gdb_commands(prog, args.args)
    elif args.args:
        run_script(prog, args.args)
    elif interactive:
        from .gdb_api.prompt import register
        from .prompt import run_interactive

        register()
        run_interactive(prog)
    else:
        run_code(prog, sys.stdin.read(), "<stdin>", [""])


if __name__ == "__main__":
    main()
