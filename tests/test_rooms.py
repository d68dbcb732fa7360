"""What rooms of the engine take of each other's private members is listed here.

Classes of the API have no public names but the API's, so what the engine itself needs
of them is private. It is to stay little: a name that is new here is a decision.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ENGINE = Path(__file__).parents[1] / "engine"

INSIDE: dict[str, set[str]] = {
    "Program: what it is made of": {
        "_code",
        "_debug",
        "_debug_info_finders",
        "_debug_info_options",
        "_kernel",
        "_memory",
        "_modules",
        "_object_finders",
        "_target",
        "_types",
    },
    "Program: lookups that return None": {
        "_find_object",
        "_find_symbol",
        "_find_type",
        "_symbol_for_format",
    },
    "Program: its platform, or an exception": {
        "_check_writable",
        "_is_64_bit",
        "_is_little_endian",
        "_read_uint",
        "_require_address_size",
    },
    "Program: it is told what has changed": {
        "_debug_info_changed",
        "_modules_moved",
        "_set_platform",
    },
    "Program: what rooms above do for those below": {
        "_dtype_of",
        "_innermost_frame",
        "_to_numpy",
    },
    "Object, all of whose other names are those of members": {
        "_absent",
        "_address_",
        "_bits_",
        "_from_buffer",
        "_ref",
        "_rvalue_",
        "_state_",
        "_type_",
        "_val",
        "_value_",
    },
    "Type: what it is made of, and memos of rooms above": {
        "_codec",
        "_def",
        "_dtype",
        "_of",
        "_prog",
        "_steps",
    },
    "Module: its files, and where it is": {
        "_debug_file",
        "_dwarf",
        "_loaded_file",
        "_placement_of",
        "_ranges",
        "_supplementary_file",
        "_to_address",
        "_to_code",
        "_to_file",
    },
    "Others": {
        "_assign",  # DebugInfoOptions
        "_set",  # Breakpoint
    },
}


def room(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def defined(tree: ast.AST) -> Iterator[str]:
    """The private names that a file's classes and functions define."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own = isinstance(node.value, ast.Name) and node.value.id == "self"
            names = [node.attr] if own else []
        elif isinstance(node, ast.Assign):
            slots = ast.unparse(node.targets[0]) == "__slots__"
            names = ast.literal_eval(node.value) if slots else []
        else:
            continue
        yield from filter(is_private, names)


def reached(tree: ast.AST) -> Iterator[str]:
    """The private names that a file takes of what is not itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not own:
                yield node.attr


def test_private_members_of_other_rooms() -> None:
    trees = {path: ast.parse(path.read_text()) for path in ENGINE.rglob("*.py")}
    own: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in trees.items():
        own[room(path)].update(defined(tree))
    known = set[str]().union(*own.values())
    taken = {
        name
        for path, tree in trees.items()
        for name in known.intersection(reached(tree)) - own[room(path)]
    } - {"_fields"}  # Of named tuples.
    assert taken == set[str]().union(*INSIDE.values())
