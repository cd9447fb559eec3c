"""One text, from which text and HTML come: what a paragraph looks like is what it is."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from accounts.letters import Block, Item, blocks
from accounts.templatetags.mails import one_line, quoted

URL = "https://freehold.example"


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.FREEHOLD_URL = URL


@pytest.mark.parametrize(
    ("paragraph", "block"),
    [
        ("Two\nlines", Block("text", "Two lines")),
        ("    a\n      b", Block("code", "a\n  b")),
        (f"{URL}/a/", Block("link", f"{URL}/a/", f"{URL}/a/")),
        ("https://other.example/", Block("link", "https://other.example/", "https://other.example/")),
        (f"See it:\n{URL}/a/", Block("button", "See it", f"{URL}/a/")),
        ("See it:\nhttps://other.example/", Block("text", "See it: https://other.example/")),
        (f"See it:\n{URL}.evil.example/", Block("text", f"See it: {URL}.evil.example/")),
        (f"See it:\n{URL}/a/ and more", Block("text", f"See it: {URL}/a/ and more")),
        ("- a\n- b\n  c\n  d", Block("list", items=(Item("a"), Item("b", ("c", "d"))))),
        (f"> a\n>\n> {URL}/b/", Block("quote", items=(Item("a"), Item(""), Item(f"{URL}/b/")))),
        ("javascript:alert(1)", Block("text", "javascript:alert(1)")),
    ],
)
def test_paragraphs(paragraph: str, block: Block) -> None:
    assert list(blocks(f"{paragraph}\n")) == [block]


def test_only_the_first_is_a_button() -> None:
    text = f"First:\n{URL}/1/\n\nSecond:\n{URL}/2/\n"
    assert list(blocks(text)) == [Block("button", "First", f"{URL}/1/"), Block("link", "Second", f"{URL}/2/")]


@pytest.mark.parametrize(
    "written",
    ["a\n\nb", "    code", f"See it:\n{URL}/a/", f"a\n\n{URL}/a/\n\n", "- a\n- b", "> b\n\nc", "a\r\n\r\nb\u2028c"],
)
def test_what_is_quoted_is_one_quotation(written: str) -> None:
    """Whatever somebody wrote, it is one block, and nothing of it is anything else."""
    (found,) = blocks(f"{quoted(written)}\n")
    assert found.kind == "quote"


@pytest.mark.parametrize("written", ["a\n\nb", "a\r\nb", " a \t b ", "a\u2028b"])
def test_what_stands_in_a_line_is_one_line(written: str) -> None:
    assert one_line(written) == "a b"
