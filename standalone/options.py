"""The command line of ``drgn``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from drgn import (
    Architecture,
    DebugInfoOptions,
    KmodSearchMethod,
    Program,
)

from .log import LEVELS

# Options of DebugInfoOptions that --try-symbols-by and --no-symbols-by switch.
_SWITCHES = {
    "module-name": "try_module_name",
    "build-id": "try_build_id",
    "debug-link": "try_debug_link",
    "procfs": "try_procfs",
    "embedded-vdso": "try_embedded_vdso",
    "reuse": "try_reuse",
    "supplementary": "try_supplementary",
}
_KMOD = {
    "kmod=depmod": KmodSearchMethod.DEPMOD,
    "kmod=walk": KmodSearchMethod.WALK,
    "kmod=depmod-or-walk": KmodSearchMethod.DEPMOD_OR_WALK,
    "kmod=depmod-and-walk": KmodSearchMethod.DEPMOD_AND_WALK,
}


class _AppendMethods(argparse.Action):
    """Collect comma-separated methods with whether they are tried."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        methods = list(getattr(namespace, self.dest) or [])
        for name in values.split(","):
            if name == "kmod" if self.const else name in _KMOD:
                parser.error(f"argument {option_string}: invalid option: {name!r}")
            methods.append((name, self.const))
        setattr(namespace, self.dest, methods)


def build_parser(version: str) -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog="drgn", description="Programmable debugger")
    _add_program_group(parser)
    _add_symbols_group(parser)
    _add_directories_group(parser)

    advanced = parser.add_argument_group("advanced")
    advanced.add_argument(
        "--architecture",
        metavar="ARCH",
        choices=[
            *(arch.name for arch in Architecture),
            *(arch.name.lower() for arch in Architecture),
        ],
        help="set the architecture of the program where it cannot be detected",
    )
    advanced.add_argument(
        "--vmcoreinfo",
        metavar="PATH",
        help="take VMCOREINFO from this file, not from the dump",
    )

    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default="warning",
        help="least level of messages shown on standard error (default: warning)",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show no messages and no progress"
    )
    parser.add_argument(
        "-e",
        dest="exec",
        metavar="CODE",
        help="run this code in place of the prompt",
    )
    parser.add_argument(
        "args",
        metavar="ARG",
        nargs=argparse.REMAINDER,
        help="script to run in place of the prompt (unless there is -e) and its"
        " arguments",
    )
    parser.add_argument(
        "--gdb",
        action="store_true",
        help="debug what GDB debugs: start it with all further arguments, up to `--`,"
        " after which a script may be named",
    )
    parser.add_argument(
        "--gdb-script",
        action="store_true",
        help="print the path of the file that brings drgn into GDB, by its source"
        " command; `drgn gdb ARG...` starts GDB with it, `drgn gdbserver OPTION...`"
        " serves what the options open to a GDB",
    )
    parser.add_argument("--version", action="version", version=version)
    return parser


def _add_program_group(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("program selection")
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "-k", "--kernel", action="store_true", help="the running kernel (default)"
    )
    which.add_argument("-c", "--core", metavar="PATH", help="a core dump")
    which.add_argument("-p", "--pid", metavar="PID", type=int, help="a running process")
    which.add_argument(
        "--qemu",
        metavar="ADDRESS",
        help="a QEMU guest, by the path of its QMP socket or as host:port",
    )


def _add_symbols_group(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("debugging symbols")
    group.add_argument(
        "-s",
        "--symbols",
        metavar="PATH",
        action="append",
        default=[],
        help="load debugging symbols from this file if it belongs to something that"
        " is loaded in the program; may be repeated",
    )
    default = group.add_mutually_exclusive_group()
    default.add_argument(
        "--main-symbols",
        dest="default_symbols",
        action="store_const",
        const={"main": True},
        help="look for symbols of the main executable only",
    )
    default.add_argument(
        "--no-default-symbols",
        dest="default_symbols",
        action="store_const",
        const={},
        help="load no symbols but those of -s and --extra-symbols",
    )
    group.add_argument(
        "--extra-symbols",
        metavar="PATH",
        action="append",
        default=[],
        help="load debugging symbols from this file though it belongs to nothing"
        " that is loaded; may be repeated",
    )
    group.add_argument(
        "--try-symbols-by",
        dest="symbols_by",
        metavar="METHOD[,METHOD...]",
        action=_AppendMethods,
        const=True,
        help="look for symbols in these ways too: names of debugging information"
        f" finders (standard, debuginfod) or {', '.join([*_SWITCHES, *_KMOD])}",
    )
    group.add_argument(
        "--no-symbols-by",
        dest="symbols_by",
        metavar="METHOD[,METHOD...]",
        action=_AppendMethods,
        const=False,
        help="do not look for symbols in these ways: names of debugging information"
        f" finders (standard, debuginfod) or {', '.join([*_SWITCHES, 'kmod'])}",
    )
    parser.set_defaults(default_symbols={"default": True})


def _add_directories_group(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("debugging symbol directories")
    for kind, what in (
        ("debug", "look for debugging symbols in this directory"),
        (
            "debug-link",
            "look for debug links in this directory ($ORIGIN is that of"
            " the loaded file)",
        ),
        ("kernel", "look for the kernel image and its modules in this directory"),
    ):
        group.add_argument(
            f"--{kind}-directory",
            metavar="PATH",
            action="append",
            default=[],
            help=f"{what}; may be repeated",
        )
        group.add_argument(
            f"--no-default-{kind}-directories",
            action="store_true",
            help="look in no other directories for that",
        )


def apply_symbol_options(prog: Program, args: argparse.Namespace) -> None:
    """Set the program's debugging information options and finders.

    Methods that do not exist are warned of: a plugin may have them elsewhere.
    """
    unknown: dict[str, None] = {}
    changes: dict[str, Any] = {}
    finders: dict[str, bool] = {}
    known = prog.registered_debug_info_finders()
    for name, wanted in args.symbols_by or ():
        if name in _SWITCHES:
            changes[_SWITCHES[name]] = wanted
        elif wanted and name in _KMOD:
            changes["try_kmod"] = _KMOD[name]
        elif not wanted and name == "kmod":
            changes["try_kmod"] = KmodSearchMethod.NONE
        elif name in known:
            finders[name] = wanted
        else:
            unknown[name] = None
    if unknown:
        import logging

        logging.getLogger("drgn").warning(
            "no matching debugging information finders or options for %s",
            _either(list(map(repr, unknown))),
        )

    old = prog.debug_info_options
    for option, attribute in (
        ("debug", "directories"),
        ("debug_link", "debug_link_directories"),
        ("kernel", "kernel_directories"),
    ):
        given: Sequence[str] = getattr(args, f"{option}_directory")
        replace: bool = getattr(args, f"no_default_{option}_directories")
        if given or replace:
            # What the user names goes first.
            defaults = () if replace else getattr(old, attribute)
            changes[attribute] = (*given, *defaults)
    if changes:
        prog.debug_info_options = DebugInfoOptions(old, **changes)
    # What was enabled before keeps its place.
    enabled = dict.fromkeys([*prog.enabled_debug_info_finders(), *finders])
    prog.set_enabled_debug_info_finders(
        [name for name in enabled if finders.get(name, True)]
    )


def _either(items: list[str]) -> str:
    """``a``, ``a or b``, or ``a, b, or c``."""
    if len(items) < 3:
        return " or ".join(items)
    return f"{', '.join(items[:-1])}, or {items[-1]}"
