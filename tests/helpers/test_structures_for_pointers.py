"""Helpers that are given a structure where they want a pointer to it say so.

A structure compares to no pointer: as if it were one, an empty list would not be empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mock_kernel import Kernel

from drgn import Object
from drgn.helpers.linux import (
    dentry_path,
    list_count_nodes,
    list_empty,
    list_first_entry_or_null,
    list_for_each,
    list_for_each_entry,
    list_for_each_reverse,
    list_is_singular,
    validate_list,
    validate_list_count_nodes,
)

HEAD = 0xFFFF888000010000
NODE = HEAD + 0x100


@pytest.fixture
def head(kernel: Kernel) -> Object:
    """A list of one entry."""
    kernel.words(HEAD, NODE, NODE)
    kernel.words(NODE, HEAD, HEAD)
    return kernel.at(kernel.linked("list_head", "next", "prev"), HEAD)


QUESTIONS: list[Callable[[Object], Any]] = [
    list_count_nodes,
    list_empty,
    lambda head: list_first_entry_or_null(head, "struct list_head", "next"),
    lambda head: list(list_for_each(head)),
    lambda head: list(list_for_each_entry("struct list_head", head, "next")),
    lambda head: list(list_for_each_reverse(head)),
    list_is_singular,
    validate_list,
    validate_list_count_nodes,
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_heads_of_lists(head: Object, question: Callable[[Object], Any]) -> None:
    question(head)
    message = r"^invalid operands to comparison \('struct list_head \*' and "
    with pytest.raises(TypeError, match=message + "'struct list_head'"):
        question(head[0])


@pytest.mark.parametrize("walk", [list_for_each, list_for_each_reverse])
def test_what_is_no_head_of_a_list(
    kernel: Kernel, walk: Callable[[Object], Any]
) -> None:
    kernel.words(HEAD, 0)
    other = kernel.at(kernel.struct("other", word=kernel.prog.type("long")), HEAD)
    with pytest.raises(AttributeError, match="^'struct other' has no member"):
        list(walk(other))


def test_dentries(kernel: Kernel) -> None:
    dentry = kernel.linked("dentry", "d_parent")
    kernel.words(HEAD, HEAD)
    root = kernel.at(dentry, HEAD)
    assert dentry_path(root) == b""
    with pytest.raises(TypeError, match="^invalid operands to comparison"):
        dentry_path(root[0])
