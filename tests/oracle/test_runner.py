"""The runner itself: what it compares and what it leaves out."""

from __future__ import annotations

from oracle.runner import USER_FRAMES, USER_FRAMES_OF_BT, ZOMBIES, Answer, compare


def answer(text: str, status: int = 0) -> Answer:
    return Answer(text.splitlines(), "", status)


def test_frames_beyond_the_user_frame_are_counted_not_compared() -> None:
    theirs = answer("1 init\n#0  a (b.c:1:2)\n#1  0x401000\n#2  0x0\n2 next\n#0  c\n")
    ours = answer("1 init\n#0  a (b.c:1:2)\n#1  0x401000\n2 next\n#0  c\n")
    comparison = compare(theirs, ours, [USER_FRAMES])
    assert comparison.same
    assert comparison.left_out == [(USER_FRAMES.why, 1, 0)]


def test_what_bt_shows_of_frames_beyond_is_counted_not_compared() -> None:
    entry = (
        "#12 [ffffd0c940013f58] entry_SYSCALL_64 at ffffffff99e00126\n     CS: 0033\n"
    )
    beyond = "#13 [00007ffd9c5b96f8] 0x47b7a0 at 47b7a0\n    00007ffd9c5b96f8:  b\n"
    registers = "#14 [000000001caacb20] 0xb at b\n    RIP: 002  RSP: 003\n"
    following = "\nPID: 387\n"
    theirs = answer(entry + beyond + registers + following)
    comparison = compare(theirs, answer(entry + following), [USER_FRAMES_OF_BT])
    assert comparison.same
    assert comparison.left_out == [(USER_FRAMES_OF_BT.why, 4, 0)]


def test_frames_of_a_zombie_are_counted_not_compared() -> None:
    theirs = answer("7 dead Z\n#0  0xffffd24a80553bb0\n#1  0x0\n8 next S\n#0  c\n")
    ours = answer("7 dead Z\n\n8 next S\n#0  c\n")
    comparison = compare(theirs, ours, [ZOMBIES, USER_FRAMES])
    assert comparison.same
    assert comparison.left_out == [(ZOMBIES.why, 2, 1)]


def test_kernel_addresses_are_compared() -> None:
    theirs = answer("#0  0xffffffff81000000\n#1  0x1\n")
    ours = answer("#0  0xffffffff81000000\n#1  0x2\n")
    assert not compare(theirs, ours, [USER_FRAMES]).same


def test_missing_and_different_lines_are_differences() -> None:
    comparison = compare(answer("a\nb\n"), answer("a\nc\n"))
    assert not comparison.same
    assert "-b" in comparison.report() and "+c" in comparison.report()


def test_value_that_upstream_does_not_know_may_be_known() -> None:
    theirs = answer("f n int '<optimized out>'\nf m int '(int)1'\n")
    ours = answer("f n int '(int)0'\nf m int '(int)1'\n")
    assert not compare(theirs, ours).same
    comparison = compare(theirs, ours, entry_values=True)
    assert comparison.same
    assert comparison.left_out[0][1:] == (1, 1)
    assert not compare(ours, theirs, entry_values=True).same


def test_exit_status_counts() -> None:
    comparison = compare(answer("a", 0), answer("a", 1))
    assert not comparison.same
    assert "exit status 1, upstream's 0" in comparison.report()
