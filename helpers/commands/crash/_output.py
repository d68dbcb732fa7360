"""How values are printed: the radix, addresses, progress."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from drgn import FaultError, PlatformFlags, Program
from drgn.helpers.common.format import escape_ascii_string, print_table

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")


def radix(prog: Program) -> int:
    """The base that integers are shown in: 10, or 16 after ``set radix 16``."""
    return int(prog.config.get("crash_radix", 10))


def format_options(prog: Program, integer_base: int | None = None) -> dict[str, Any]:
    """Options for ``Object.format_()``: those of ``-x`` and ``-d``, else the radix."""
    return {
        "columns": shutil.get_terminal_size().columns,
        "dereference": False,
        "integer_base": integer_base or radix(prog),
    }


def escaped(text: bytes) -> str:
    """A string of the program's, made safe to print."""
    return escape_ascii_string(text, escape_backslash=True)


def byte_order(prog: Program) -> Literal["little", "big"]:
    """How the program's memory holds integers."""
    platform = prog.platform
    little = platform is None or platform.flags & PlatformFlags.IS_LITTLE_ENDIAN
    return "little" if little else "big"


def address_digits(prog: Program) -> int:
    """How many hexadecimal digits an address has."""
    from drgn import sizeof

    return 2 * sizeof(prog.type("void *"))


def print_lines(lines: list[tuple[str, str]], width: int) -> None:
    """Print titles that end at one column, and their values."""
    for title, value in lines:
        print(f"{title:>{width}}: {value}")


def print_rows(rows: Iterable[Sequence[Any]]) -> None:
    """Print a table. If rows cannot be read on, those before are printed, too."""
    read: list[Sequence[Any]] = []
    try:
        read.extend(rows)
    except Exception:
        if len(read) > 1:  # more than titles
            print_table(read)
        raise
    print_table(read)


def read_until_fault(items: Iterable[T]) -> tuple[list[T], FaultError | None]:
    """The items up to where they cannot be read on, and the error of that, if any."""
    read: list[T] = []
    try:
        read.extend(items)
    except FaultError as error:
        return read, error
    return read, None


def rows_of(
    items: Iterable[T], row: Callable[[T], Sequence[Any]]
) -> Iterator[Sequence[Any]]:
    """A row for each item, but for those that cannot be read, which is said."""
    errors: list[FaultError] = []
    for item in items:
        try:
            yield row(item)
        except FaultError as error:
            errors.append(error)
    if errors:
        print(f"{len(errors)} left out: {errors[0]}", file=sys.stderr)


def _terminal() -> Console | None:
    """Where a wait is shown: the terminal that the output goes to, if it is not a dumb
    one, which cannot take back what it shows."""
    if not sys.stderr.isatty() or not sys.stdout.isatty():
        return None
    from rich.console import Console

    console = Console(stderr=True)
    return console if console.is_interactive else None


@contextmanager
def working(description: str) -> Iterator[None]:
    """Show on a terminal that something takes its time; nothing may be printed then."""
    console = _terminal()
    if console is None:
        yield
        return
    with console.status(description):
        yield


def progress(
    items: Iterable[T], description: str, total: int | None = None
) -> Iterator[T]:
    """Pass items on, and show on a terminal how far that is.

    Nothing is shown in a pipe or a file. What is printed meanwhile is printed as it is.
    """
    console = _terminal()
    if console is None:
        yield from items
        return
    from rich.progress import Progress

    # By default it would take every line that is printed through its own rendering.
    with Progress(
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        yield from bar.track(items, total, description=description)
