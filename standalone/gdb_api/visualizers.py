"""Values as scripts' pretty-printers have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drgn import Object

from .errors import MemoryError
from .options import Options
from .printing import printers_of_all
from .session import Session
from .strings import string_text, utf8_codes
from .value import LazyString, Value, characters

if TYPE_CHECKING:
    from .describe import Describer

_MAX_DEPTH = 100


def default_visualizer(value: Value) -> Any:
    """The printer that a script has for a value; None if none wants it."""
    for each in printers_of_all():
        if getattr(each, "enabled", True):
            found = each(value)
            if found is not None:
                return found
    return None


def printed_by_script(
    describer: Describer, session: Session, options: Options, obj: Object, depth: int
) -> str | None:
    """A value's text by its printer; None if it has none."""
    if not session.has_printers():
        return None
    if depth > _MAX_DEPTH:
        return "{...}"
    value = Value(obj)
    printer = default_visualizer(value)
    if printer is None:
        return None
    return _Visualizer(describer, options, printer, depth).text(value)


class _Visualizer:
    def __init__(
        self, describer: Describer, options: Options, printer: Any, depth: int
    ) -> None:
        self._describer, self._options = describer, options
        self._printer, self._depth = printer, depth
        hint = getattr(printer, "display_hint", None)
        self._hint = hint() if callable(hint) else hint

    def text(self, value: Value) -> str:
        head = self._head()
        options = self._options
        if options.max_depth is not None and self._depth >= options.max_depth:
            return "{...}" if hasattr(self._printer, "children") else head or ""
        children = ""
        if hasattr(self._printer, "children"):
            children = self._children()
        if head is None:
            return children
        return f"{head} = {children}" if children else head

    def _head(self) -> str | None:
        to_string = getattr(self._printer, "to_string", None)
        if to_string is None:
            return None
        try:
            found = to_string()
        except MemoryError as reason:
            return f"<error reading variable: {reason}>"
        return None if found is None else self._shown(found, self._hint == "string")

    def _shown(self, found: Any, quoted: bool) -> str:
        """What a printer gave, as text."""
        options = self._options
        if isinstance(found, LazyString):
            data = characters(found.value(), found.length)
            return string_text(
                utf8_codes(data), options.max_elements, options.repeat_threshold
            )
        if isinstance(found, Value):
            if quoted:
                data = characters(found)
                return string_text(
                    utf8_codes(data), options.max_elements, options.repeat_threshold
                )
            return self._describer.nested(found._obj, self._depth + 1)
        if isinstance(found, str):
            if quoted:
                return string_text(
                    utf8_codes(found.encode()),
                    options.max_elements,
                    options.repeat_threshold,
                )
            return found
        return self._describer.nested(Value(found)._obj, self._depth + 1)

    def _parts(self) -> Iterator[tuple[str, Any]]:
        for item in self._printer.children():
            if not isinstance(item, tuple) or len(item) != 2:
                raise TypeError(
                    "Result of children iterator not a tuple of two elements."
                )
            yield item

    def _children(self) -> str:
        options = self._options
        is_map, is_array = self._hint == "map", self._hint == "array"
        pretty = options.pretty_arrays if is_array else options.pretty_structs
        indent = "\n" + "  " * (self._depth + 1) if pretty else ""
        text, count, more = "", 0, False
        limit = options.max_elements
        try:
            for name, child in self._parts():
                if limit is not None and count >= limit * (2 if is_map else 1):
                    more = True
                    break
                shown = self._shown(child, False)
                if is_map and count % 2:
                    text += f"] = {shown}"
                else:
                    if count:
                        text += "," if pretty else ", "
                    text += indent
                    if is_map:
                        text += f"[{shown}"
                    elif is_array:
                        text += shown
                    else:
                        text += f"{name} = {shown}"
                count += 1
        except MemoryError as reason:
            text += f"<error reading variable: {reason}>"
            count += 1
        if not count:
            return ""
        if more:
            text += "," + indent + "..." if pretty else "..."
        return "{" + text + ("\n" + "  " * self._depth if pretty else "") + "}"
