"""Decorators that tell a type checker that a function is called as another one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])
_P = ParamSpec("_P")
_Self = TypeVar("_Self")
_T = TypeVar("_T")


def copy_func_signature(source: _F) -> Callable[[Callable[..., Any]], _F]:
    """The decorated function has the parameters and the result of ``source``."""
    return lambda function: cast(_F, function)


def copy_func_params(
    source: Callable[_P, Any],
) -> Callable[[Callable[..., _T]], Callable[_P, _T]]:
    """The decorated function has the parameters of ``source``, its own result."""
    return lambda function: function


def copy_method_params(
    source: Callable[Concatenate[Any, _P], Any],
) -> Callable[
    [Callable[Concatenate[_Self, ...], _T]], Callable[Concatenate[_Self, _P], _T]
]:
    """The decorated method has the parameters of ``source``, and its own self."""
    return lambda method: method
