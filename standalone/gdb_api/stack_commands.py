"""``backtrace``, ``frame``, ``up``, ``down``, ``thread``, and ``info`` of them."""

from __future__ import annotations

import re
from typing import Any

import drgn
from drgn import StackFrame, TypeKind
from drgn.target import frame_blocks

from .command import Entry
from .describe import Describer
from .errors import error
from .evaluate import evaluate
from .kernel_threads import AnyThread, thread_key
from .options import Options, options_of
from .places import frame_place, full_name, line_at, location
from .session import Session, current
from .symbols import argument_names

_COMPOUND = TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS, TypeKind.ARRAY


def frame_line(
    session: Session, frame: StackFrame, level: int, address: bool | None = None
) -> str:
    """``#0  0x... in function (argument=1) at file:line``."""
    text = f"#{level:<3}" if level < 100 else f"#{level} "
    if address is None:
        address = _shows_address(session, frame, level)
    if address:
        text += f"{frame.pc:#018x} in "
    name = function_name(session, frame)
    text += f"{name} ({_arguments(session, frame)})"
    place = frame_place(session, frame)
    if place is not None:
        text += f" at {place[0]}:{place[1]}"
    else:
        library = _library(session, frame.pc)
        if library:
            text += f" from {library}"
    return text


def function_name(session: Session, frame: StackFrame) -> str:
    """The function's name as GDB has it; ``??`` if it is not known."""
    found = frame.function_name
    if found is not None:
        return found
    try:
        from .demangle import demangle

        return demangle(frame.symbol().name)
    except LookupError:
        return "??"


def _shows_address(session: Session, frame: StackFrame, level: int) -> bool:
    """Whether the code is in the middle of a line, as that of a call is.

    What calls an inlined function is at the beginning of it.
    """
    if level > 0:
        return not session.trace()[level - 1].is_inline
    line = line_at(session, frame.pc)
    return line is None or line.start != frame.pc


def _library(session: Session, pc: int) -> str | None:
    from .objfiles import solib_name

    return solib_name(pc)


def _arguments(session: Session, frame: StackFrame) -> str:
    shown = session.settings["print frame-arguments"]
    options = options_of(session, pretty_structs=False, pretty_arrays=False)
    parts = []
    for name in argument_names(frame):
        if shown == "none":
            parts.append(f"{name}=...")
            continue
        parts.append(f"{name}={_argument(session, frame, name, options, shown)}")
    return ", ".join(parts)


def _argument(
    session: Session, frame: StackFrame, name: str, options: Options, shown: Any
) -> str:
    try:
        obj = frame[name]
    except (KeyError, drgn.BadDataError):
        return "<optimized out>"
    if (
        shown == "scalars"
        and obj.type_.unaliased_kind() in _COMPOUND
        and not obj.absent_
    ):
        return "..."
    return Describer(session, options).nested(obj, 0)


def _source_line(session: Session, frame: StackFrame) -> str:
    place = frame_place(session, frame)
    if place is None:
        return ""
    from .sources import line_text

    name, line = place
    text = line_text(full_name(session, frame.pc, name), line)
    if text is not None:
        return f"{line}\t{text}\n"
    if session.missing_source == name:
        return f"{line}\tin {name}\n"
    session.missing_source = name
    return f"{line}\t{name}: No such file or directory.\n"


def show_frame(session: Session) -> None:
    """Print the selected frame and its source line."""
    frame = session.frame()
    session.write(frame_line(session, frame, session.level()) + "\n")
    session.write(_source_line(session, frame))
    session.listed = None


# Commands.


def backtrace(arguments: str, from_tty: bool) -> None:
    """Print the stack: backtrace [full] [COUNT]; below 0, of the outermost."""
    session = current()
    words = arguments.split()
    full = False
    while words and (words[0] == "full" or words[0].startswith("-")):
        if words[0] in ("full", "-full"):
            full = True
        elif not words[0][1:2].isalpha():
            break
        words = words[1:]
    count = int(evaluate(session, " ".join(words))) if words else None
    if not session.has_stack():
        raise error("No stack.")
    trace = session.trace()
    length = stack_length(session)
    start, end = 0, length
    if count is not None:
        start, end = (
            (0, min(count, length)) if count >= 0 else (max(0, length + count), length)
        )
    for level in range(start, end):
        frame = trace[level]
        session.write(frame_line(session, frame, level) + "\n")
        if full:
            _write_locals(session, frame, "        ")
    if end < length and from_tty:
        session.write("(More stack frames follow...)\n")


def stack_length(session: Session) -> int:
    """How many frames ``backtrace`` has: those beyond main() are none of them."""
    trace = session.trace()
    for level, frame in enumerate(trace):
        if frame.function_name == "main" and not session.is_kernel():
            return level + 1
        if frame.function_name is None and level and _is_nowhere(frame):
            return level
    return len(trace)


def _is_nowhere(frame: StackFrame) -> bool:
    try:
        return frame.pc == 0
    except LookupError:
        return True


def _write_locals(session: Session, frame: StackFrame, indent: str) -> None:
    options = options_of(session)
    describer = Describer(session, options)
    depth = len(indent) // 2
    found = False
    for block in frame_blocks(frame):
        for each in block:
            if each.is_parameter:
                continue
            found = True
            try:
                obj = each.read()
                text = (
                    "<optimized out>" if obj is None else describer.nested(obj, depth)
                )
            except drgn.BadDataError:
                text = "<optimized out>"
            session.write(f"{indent}{each.name} = {text}\n")
    if not found:
        session.write("No locals.\n")


def _local(session: Session, frame: StackFrame, name: str, options: Options) -> str:
    try:
        return Describer(session, options).nested(frame[name], 0)
    except (KeyError, drgn.BadDataError):
        return "<optimized out>"


def frame_command(arguments: str, from_tty: bool) -> None:
    """Select a frame by its number, and print it."""
    session = current()
    if not session.has_stack():
        raise error("No stack.")
    words = arguments.split(None, 1)
    if words and words[0] in ("level", "function"):
        arguments = words[1] if len(words) > 1 else ""
        if words[0] == "function":
            _select_function(session, arguments)
            arguments = ""
    if arguments:
        level = int(evaluate(session, arguments))
        if not 0 <= level < stack_length(session):
            raise error(f"No frame at level {arguments}.")
        session.select_level(level)
    show_frame(session)


def _select_function(session: Session, name: str) -> None:
    for level, frame in enumerate(session.trace()):
        if frame.function_name == name:
            session.select_level(level)
            return
    raise error(f'No frame for function "{name}".')


def select_frame(arguments: str, from_tty: bool) -> None:
    """Select a frame by its number."""
    session = current()
    session.select_level(int(evaluate(session, arguments)))


def _move(arguments: str, sign: int) -> None:
    session = current()
    if not session.has_stack():
        raise error("No stack.")
    count = int(evaluate(session, arguments)) if arguments else 1
    level = session.level() + sign * count
    last = stack_length(session) - 1
    if level < 0 and session.level() == 0:
        raise error("Bottom (innermost) frame selected; you can't go down.")
    if level > last and session.level() == last:
        raise error("Initial frame selected; you cannot go up.")
    session.select_level(min(max(level, 0), last))
    show_frame(session)


def up(arguments: str, from_tty: bool) -> None:
    """Select the frame that called this one."""
    _move(arguments, 1)


def down(arguments: str, from_tty: bool) -> None:
    """Select the frame that this one called."""
    _move(arguments, -1)


def info_locals(arguments: str, from_tty: bool) -> None:
    """Print the local variables of the selected frame."""
    session = _with_frame("No frame selected.")
    _write_locals(session, session.frame(), "")


def info_args(arguments: str, from_tty: bool) -> None:
    """Print the arguments of the selected frame."""
    session = _with_frame("No frame selected.")
    frame = session.frame()
    options = options_of(session)
    names = argument_names(frame)
    for name in names:
        session.write(f"{name} = {_local(session, frame, name, options)}\n")
    if not names:
        session.write("No arguments.\n")


def _with_frame(otherwise: str) -> Session:
    session = current()
    if not session.has_stack():
        raise error(otherwise)
    return session


def info_frame(arguments: str, from_tty: bool) -> None:
    """Print what is known of the selected frame."""
    session = _with_frame("No stack.")
    frame, level = session.frame(), session.level()
    trace = session.trace()
    session.write(f"Stack level {level}, frame at {frame.sp:#x}:\n")
    name = function_name(session, frame)
    place = location(session, frame.pc)
    where = f" ({place[0]}:{place[1]})" if place else ""
    older = trace[level + 1] if level + 1 < len(trace) else None
    saved = ""
    if older is not None:
        try:
            saved = f"; saved rip = {older.pc:#x}"
        except LookupError:
            pass
    session.write(f" rip = {frame.pc:#x} in {name}{where}{saved}\n")


def info_registers(arguments: str, from_tty: bool) -> None:
    """Print the registers of the selected frame: all of them, or those named."""
    from . import scalars
    from .registers import register_in

    session = _with_frame("The program has no registers now.")
    frame = session.frame()
    names = arguments.replace("$", "").split()
    if not names:
        names = list(frame.registers())
    for name in names:
        found = register_in(session, frame, name)
        if found is None:
            raise error(f"Invalid register `{name}'")
        obj = found._obj
        if obj.absent_:
            session.write(f"{name:<15}<not saved>\n")
            continue
        bits = f"{scalars.bits_of(obj)[0]:#x}"
        text = Describer(session, options_of(session)).text(obj, 0)
        session.write(f"{name:<15}{bits:<20}{text}\n")


# Threads.


def _target_id(session: Session, thread: AnyThread) -> str:
    if session.is_kernel():
        name = thread.name
        return f"Thread 1.{thread.tid}" + (f" ({name})" if name else "")
    try:
        # What pthread_self() is, on x86-64.
        self = thread.stack_trace()[0].register("fs_base")
    except (LookupError, ValueError, drgn.FaultError):
        return f"LWP {thread.tid}"
    return f"Thread {self:#x} (LWP {thread.tid})"


def info_threads(arguments: str, from_tty: bool) -> None:
    """Print the threads, each with its innermost frame."""
    session = current()
    threads = session.threads()
    if not threads:
        session.write("No threads.\n")
        return
    selected = session.thread()
    wanted = _numbers(arguments)
    ids = [_target_id(session, thread) for thread in threads]
    width = max(len(each) for each in ids)
    session.write(f"  Id   {'Target Id':<{width}} Frame \n")
    for number, thread in enumerate(threads, 1):
        if wanted and not any(number in each for each in wanted):
            continue
        mark = (
            "*"
            if selected is not None and thread_key(thread) == thread_key(selected)
            else " "
        )
        frame = _innermost(session, thread)
        session.write(f"{mark} {number:<4} {ids[number - 1]:<{width}} {frame}\n")


def _numbers(text: str) -> list[range]:
    """The numbers of a list such as ``1 3-5``. Raises ``gdb.error``."""
    found = []
    for word in text.split():
        first, _, last = word.partition("-")
        try:
            found.append(range(int(first), int(last or first) + 1))
        except ValueError:
            raise error(f"Invalid thread ID: {word}") from None
    return found


def _innermost(session: Session, thread: AnyThread) -> str:
    try:
        trace = thread.stack_trace()
        frame = trace[0]
    except (LookupError, ValueError, drgn.FaultError):
        return "(running)"
    line = frame_line(session, frame, 0)
    return line[4:]


def thread_command(arguments: str, from_tty: bool) -> None:
    """Select a thread by its number; without one, say which is selected."""
    session = current()
    thread = session.thread()
    if not arguments:
        if thread is None:
            session.write("No thread selected\n")
            return
        number = session.thread_number(thread)
        session.write(f"[Current thread is {number} ({_target_id(session, thread)})]\n")
        return
    _select_thread(session, arguments)
    chosen = session.thread()
    assert chosen is not None
    number = session.thread_number(chosen)
    session.write(f"[Switching to thread {number} ({_target_id(session, chosen)})]\n")
    if session.has_stack():
        show_frame(session)


def _select_thread(session: Session, text: str) -> None:
    threads = session.threads()
    if text.startswith("$") or not text[:1].isdigit():
        text = str(int(evaluate(session, text)))
    try:
        number = int(text.rpartition(".")[2])
    except ValueError:
        raise error(f"Invalid thread ID: {text}") from None
    if not 0 < number <= len(threads):
        raise error(f"Unknown thread {number}.")
    session.select_thread(threads[number - 1])


def thread_apply(arguments: str, from_tty: bool) -> None:
    """Run a command for threads: thread apply NUMBERS|all COMMAND."""
    from .execute import run_line

    session = current()
    words = arguments.split()
    if not words:
        raise error("Please specify a thread ID list")
    threads = session.threads()
    numbered = list(enumerate(threads, 1))
    if words[0] == "all":
        chosen, words = numbered[::-1], words[1:]
        if words[:1] == ["-ascending"]:
            chosen, words = numbered, words[1:]
    else:
        wanted: list[range] = []
        while words and words[0][0].isdigit():
            wanted += _numbers(words.pop(0))
        chosen = [each for each in numbered if any(each[0] in part for part in wanted)]
    quiet = "-q" in words[:2]
    words = [word for word in words if word not in ("-q", "-s", "-c")]
    if not words:
        raise error("Please specify a command at the end of 'thread apply'")
    selected, level = session.thread(), session.level()
    try:
        for number, thread in chosen:
            session.select_thread(thread)
            if not quiet:
                session.write(f"\nThread {number} ({_target_id(session, thread)}):\n")
            run_line(session, " ".join(words), from_tty)
    finally:
        session.select_thread(selected)
        if level and session.has_stack():
            session.select_level(level)


def thread_name(arguments: str, from_tty: bool) -> None:
    """Names of threads are the program's."""
    raise error("Names of threads cannot be set here.")


def frame_apply(arguments: str, from_tty: bool) -> None:
    """Run a command for frames: frame apply COUNT|all COMMAND."""
    from .execute import run_line

    session = _with_frame("No stack.")
    count, _, line = arguments.partition(" ")
    if not count:
        raise error("Missing COUNT argument.")
    if count != "all" and not re.fullmatch(r"-?[0-9]{1,18}", count):
        raise error("Invalid COUNT argument.")
    if not line.strip():
        raise error("Please specify a command to apply on the selected frames")
    length = stack_length(session)
    chosen = range(length)
    if count != "all":
        chosen = chosen[: int(count)] if int(count) >= 0 else chosen[int(count) :]
    level = session.level()
    try:
        for each in chosen:
            session.select_level(each)
            session.write(frame_line(session, session.frame(), each) + "\n")
            run_line(session, line.strip(), from_tty)
    finally:
        session.select_level(level)


def register(root: Entry) -> None:
    """Put the commands in the tree."""
    root.add("backtrace", backtrace, backtrace.__doc__ or "")
    frame = root.add("frame", frame_command, frame_command.__doc__ or "", children={})
    frame.takes_other = True
    root.add("frame apply", frame_apply, frame_apply.__doc__ or "")
    root.add("faas", lambda text, tty: frame_apply("all " + text, tty), "")
    root.add("select-frame", select_frame, select_frame.__doc__ or "")
    root.add("up", up, up.__doc__ or "")
    root.add("down", down, down.__doc__ or "")
    thread = root.add(
        "thread", thread_command, thread_command.__doc__ or "", children={}
    )
    thread.takes_other = True
    root.add("thread apply", thread_apply, thread_apply.__doc__ or "")
    root.add("thread name", thread_name, thread_name.__doc__ or "")
    root.add("taas", lambda text, tty: thread_apply("all -s " + text, tty), "")
