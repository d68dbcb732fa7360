"""Regular expressions over memory, which is searched window by window.

Memory has no beginning and no end: ``^`` and ``$`` match at newlines in it (with
``(?m)``) and where the range that is searched begins and ends, and what looks backwards
is not allowed. A ``str`` pattern matches UTF-8, a ``bytes`` pattern bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pattern import Pattern


def compile_pattern(pattern: bytes | str) -> Pattern:
    """PCRE2's pattern if the system has PCRE2, else one of Python's `re`.

    Raises Exception if it is malformed, or not supported, and ValueError if it looks
    backwards.
    """
    from . import pcre2

    library = pcre2.library()
    if library is not None:
        return pcre2.Pattern(library, pattern)
    from . import python_regex

    return python_regex.Pattern(pattern)
