"""``gdb.prompt``: the prompt is drgn's, so that nothing is put into one."""

from __future__ import annotations


def substitute_prompt(prompt: str) -> str:
    """The prompt as it is."""
    return prompt


def prompt_help() -> str:
    """What may be put into a prompt: nothing."""
    return "The prompt is drgn's here.\n"


__all__ = ("prompt_help", "substitute_prompt")
