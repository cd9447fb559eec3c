"""Mails as they read: text and HTML from one template.

A mail is written once, as text, in ``templates/<template>.txt``: the first line is the subject, a blank line follows,
and then paragraphs. Nothing is escaped in it. The HTML is made from the same text, by what a paragraph looks like:

- one that is an address becomes a link; an address of ours under a line of words becomes a button with these words;
- one that is indented by four spaces is shown as code;
- lines that begin with ``- `` are a list, what follows indented under one is said small beneath it;
- lines that begin with ``>`` are what somebody wrote (the filter ``quoted``): nothing in it is taken for anything else.

What people wrote stands in such a quotation or inside a line, so that it can't make buttons or headings of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template import Context
from django.template.backends.django import Template
from django.template.loader import get_template, render_to_string

from freehold.context import site

_MANY_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Letter:
    """A mail as rendered: one line, text, HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Item:
    """Of a list: a line, and what is said beneath it."""

    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A paragraph of a mail; ``kind`` is ``text``, ``code``, ``link``, ``button``, ``list`` or ``quote``.

    ``url`` is where a button or a link leads, ``items`` what a list or a quotation has.
    """

    kind: str
    text: str = ""
    url: str = ""
    items: tuple[Item, ...] = ()


def render(template: str, context: dict[str, Any]) -> Letter:
    """The mail of a template, named without its ending. With a ``stop_url`` it says how to stop mails of its kind."""
    known = {"stop_url": "", **site(HttpRequest()), **context}
    subject, _, body = _plain(f"{template}.txt", known).partition("\n")
    subject, body = " ".join(subject.split()), _MANY_LINES.sub("\n\n", body.strip("\n")).rstrip() + "\n"
    html = render_to_string("mail/base.html", {**known, "subject": subject, "blocks": list(blocks(body))})
    text = f"{body}\n{_plain('mail/_stop.txt', known)}\n" if known["stop_url"] else body
    return Letter(subject, text, html)


def _plain(name: str, context: dict[str, Any]) -> str:
    template = get_template(name)
    assert isinstance(template, Template)
    return str(template.template.render(Context(context, autoescape=False))).strip()


def blocks(text: str) -> Iterator[Block]:
    """The paragraphs of a text. One thing to do is the first: a second button is a link with these words."""
    has_button = False
    for paragraph in text.split("\n\n"):
        lines = [line.rstrip() for line in paragraph.rstrip().split("\n") if line.strip()]
        block = _block(lines) if lines else None
        if block is not None:
            yield replace(block, kind="link") if has_button and block.kind == "button" else block
            has_button = has_button or block.kind == "button"


def _block(lines: list[str]) -> Block:
    if lines[0].startswith("    "):
        return Block("code", "\n".join(line[4:] for line in lines))
    if all(line.startswith(">") for line in lines):
        return Block("quote", items=tuple(Item(line[1:].strip()) for line in lines))
    if lines[0].startswith("- "):
        return Block("list", items=tuple(_items(lines)))
    if len(lines) == 2 and _is_ours(lines[1].strip()):
        return Block("button", lines[0].strip().removesuffix(":"), lines[1].strip())
    words = " ".join(" ".join(lines).split())
    is_link = words.startswith(("http://", "https://")) and " " not in words
    return Block("link", words, words) if is_link else Block("text", words)


def _is_ours(address: str) -> bool:
    return address.startswith(f"{settings.FREEHOLD_URL}/") and " " not in address


def _items(lines: list[str]) -> Iterator[Item]:
    starts = [number for number, line in enumerate(lines) if line.startswith("- ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Item(lines[start][2:].strip(), tuple(line.strip() for line in lines[start + 1 : end]))
