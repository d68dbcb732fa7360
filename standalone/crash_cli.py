"""``drgn-crash``: open a kernel or its dump at the prompt of the crash commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import drgn
from drgn.hosts.namespace import LazyGlobals

from .execute import ending_without_traceback
from .magic import Magic, magic_of


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drgn-crash", description="The commands of the crash utility, by drgn"
    )
    parser.add_argument(
        "vmlinux",
        nargs="?",
        help="the kernel's image with debug info (default: it is looked for)",
    )
    parser.add_argument(
        "core", nargs="?", help="dump of a kernel (default: the running kernel)"
    )
    return parser


def _sorted(paths: Sequence[str]) -> list[str]:
    """Options of ``drgn`` for the files, which may come in any order."""
    options: dict[str, str] = {}
    for path in paths:
        option = "-c" if magic_of(path) is Magic.DUMP else "-s"
        if option in options:
            what = "dump" if option == "-c" else "vmlinux"
            raise ValueError(f"more than one {what}: {options[option]}, {path}")
        options[option] = path
    return [word for item in options.items() for word in item]


@ending_without_traceback()
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line in ``argv`` (default: that of the process).

    Exits with status 1 if the program cannot be opened.
    """
    from . import log
    from .cli import open_program
    from .execute import fail, fail_to_write
    from .options import build_parser
    from .prompt import keeping_history, version_header
    from .streams import open_closed

    open_closed()
    parsed = _parser().parse_args(argv)
    paths = [path for path in (parsed.vmlinux, parsed.core) if path is not None]
    try:
        options = _sorted(paths)
    except OSError as error:
        fail(error)
    except ValueError as error:
        fail(f"error: {error}")
    args = build_parser(version_header()).parse_args(options)
    log.setup(args.log_level, args.quiet)
    prog = open_program(args)
    drgn.set_default_prog(prog)
    from drgn.commands.crash._prompt import run_prompt

    try:
        with keeping_history():
            run_prompt(prog, LazyGlobals(prog))
        sys.stdout.flush()
    except OSError as error:
        fail_to_write(error)


if __name__ == "__main__":
    main()
