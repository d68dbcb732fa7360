"""What is logged of looking for debugging information."""

from __future__ import annotations

import logging

import pytest

from drgn import DebugInfoOptions, KmodSearchMethod, Program


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (None, "directories=('/usr/lib/debug',), try_procfs=False"),
        (DebugInfoOptions(), "given directories=('/usr/lib/debug',)"),
        (
            DebugInfoOptions(
                directories=(), try_reuse=False, try_kmod=KmodSearchMethod.DEPMOD
            ),
            "given directories=(), try_reuse=False, try_kmod=DEPMOD",
        ),
    ],
)
def test_options_are_told(
    options: DebugInfoOptions | None, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    prog = Program()
    prog.debug_info_options = DebugInfoOptions(try_procfs=False)
    module = prog.extra_module("m", create=True)
    with caplog.at_level(logging.DEBUG, "drgn"):
        prog.find_standard_debug_info([module], options)
    assert caplog.messages[0] == f"trying standard debug info finder with {text}"


@pytest.mark.parametrize(
    ("paths", "messages"),
    [
        ([], []),
        (["/missing"], ["loading debugging symbols", "no usable provided files"]),
    ],
)
def test_nothing_to_do_is_told(
    paths: list[str],
    messages: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    prog = Program()
    with caplog.at_level(logging.DEBUG, "drgn"):
        prog.load_debug_info(paths)
        with pytest.raises(TypeError):
            prog.load_debug_info([*paths, 5])
    debug = [r.message for r in caplog.records if r.levelno == logging.DEBUG]
    assert debug == messages
