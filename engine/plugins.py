"""Plugins: modules of others that are told of every program.

A plugin is a module, and each of its functions with the name of a hook is called. The
only hook so far is ``drgn_prog_set(prog)``, when a program got its target. Hooks with
a lower ``drgn_priority`` (50 where there is none) go first, equal ones by the names of
their plugins.

Plugins are the entry points of the group ``drgn.plugins``, and what the environment
says: ``DRGN_DISABLE_PLUGINS`` lists patterns of entry points that are not wanted,
``DRGN_PLUGINS`` lists entry points that are wanted nevertheless and more plugins as
``name=module`` or ``name=/path``. Both are separated by commas. The commands that
every program has are plugins in this respect (``BUILT_IN``), which `drgn.commands`
loads when a command is first asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

_GROUP = "drgn.plugins"
_DEFAULT_PRIORITY = 50

#: The names of the commands that come along, where plugins are named.
BUILT_IN = ("builtin_commands", "crash_commands")

Hook = Callable[..., object]

_plugins: list[tuple[str, Any]] | None = None
_hooks: dict[str, list[tuple[str, Hook]]] = {}


def is_wanted(name: str) -> bool:
    """Whether the environment wants the plugin ``name``, which is there."""
    if name in _items("DRGN_PLUGINS"):
        return True
    unwanted = _items("DRGN_DISABLE_PLUGINS")
    if not unwanted:
        return True
    from fnmatch import fnmatchcase

    return not any(fnmatchcase(name, pattern) for pattern in unwanted)


def call_hooks(hook_name: str, *args: object) -> None:
    """Call a hook of all plugins; what they raise is logged."""
    if hook_name not in _hooks:
        _hooks[hook_name] = _find_hooks(hook_name)
    for name, hook in _hooks[hook_name]:
        try:
            hook(*args)
        except Exception:
            _warn(f"{name!r} {hook_name} failed:")


def _find_hooks(hook_name: str) -> list[tuple[str, Hook]]:
    """The name of a plugin and its hook, in the order in which they are called."""
    global _plugins
    if _plugins is None:
        _plugins = list(_load_plugins())
    hooks = [
        (name, getattr(plugin, hook_name))
        for name, plugin in _plugins
        if hasattr(plugin, hook_name)
    ]
    hooks.sort(key=lambda item: (_priority(*item), item[0]))
    return hooks


def _priority(name: str, hook: Hook) -> float:
    """When a hook is called; one that is no number is logged, and the default."""
    priority = getattr(hook, "drgn_priority", _DEFAULT_PRIORITY)
    try:
        return float(priority)
    except (TypeError, ValueError):
        _warn(f"{name!r} drgn_priority is not a number:")
        return _DEFAULT_PRIORITY


def _load_plugins() -> Iterator[tuple[str, Any]]:
    """The name and the module of each plugin that can be loaded."""
    enabled = _items("DRGN_PLUGINS")
    for item in enabled:
        name, is_manual, value = item.partition("=")
        if is_manual:
            try:
                yield name, _load(value)
            except Exception:
                _warn(f"failed to load {item!r}:")
            else:
                _debug(f"loaded {item!r}")
    wanted = [item for item in enabled if "=" not in item]
    if wanted or _any_entry_points():
        yield from _load_entry_points(wanted)


def _load(value: str) -> Any:
    if "/" not in value:
        import importlib

        return importlib.import_module(value)
    import runpy
    import types

    return types.SimpleNamespace(**runpy.run_path(value))


def _load_entry_points(wanted: list[str]) -> Iterator[tuple[str, Any]]:
    from importlib.metadata import entry_points

    missing = set(wanted).difference(BUILT_IN)
    for entry_point in entry_points(group=_GROUP):
        name = entry_point.name
        missing.discard(name)
        if not is_wanted(name):
            continue
        text = f"{name} = {entry_point.value}"
        try:
            yield name, entry_point.load()
        except Exception:
            _warn(f"failed to load {text!r}:")
        else:
            _debug(f"loaded entry point {text!r}")
    if missing:
        import logging

        names = ", ".join(map(repr, sorted(missing)))
        logging.getLogger(_GROUP).warning("not found: %s", names)


def _any_entry_points() -> bool:
    """Whether an installed distribution has plugins.

    Few have, and importing importlib.metadata takes longer than to look.
    """
    group = f"[{_GROUP}]".encode()
    for path in _entry_points_files():
        try:
            with open(path, "rb", buffering=0) as file:
                if group in file.read():
                    return True
        except OSError:  # Most have none.
            continue
    return False


def _entry_points_files() -> Iterator[str]:
    """Where installed distributions may list their entry points."""
    for directory in sys.path:
        try:
            names = os.listdir(directory or ".")
        except OSError:  # Not a directory.
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield os.path.join(directory, name, "entry_points.txt")


def _items(variable: str) -> list[str]:
    return [item for item in os.environ.get(variable, "").split(",") if item]


def _warn(message: str) -> None:
    import logging

    logging.getLogger(_GROUP).warning("%s", message, exc_info=True)


def _debug(message: str) -> None:
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger(_GROUP).debug("%s", message)
