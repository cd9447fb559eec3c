"""What templates of mails need (``accounts.letters``)."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def quoted(text: str) -> str:
    """What somebody wrote, each line marked as theirs; it stands in a paragraph of its own."""
    return "\n".join(f"> {line.strip()}".rstrip() for line in text.strip().splitlines())


@register.filter
def one_line(text: object) -> str:
    """What stands inside a line, whatever somebody put into it."""
    return " ".join(str(text).split())
