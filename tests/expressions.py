"""Tables of expressions and what they evaluate to, exceptions included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import drgn


def outcome(expression: str, names: Mapping[str, Any]) -> str:
    """The repr of ``expression``, or its exception's class and message."""
    try:
        return repr(eval(expression, {**vars(drgn), **names}))
    except Exception as e:
        return f"{type(e).__name__}: {e}"
