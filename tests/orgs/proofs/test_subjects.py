"""What people type is read into one spelling, or refused with what to do; and shown as people know it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import Invalid
from orgs.proofs import subjects


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("acme.example", "acme.example"),
        ("  ACME.Example. ", "acme.example"),
        ("https://acme.example/about?x=1", "acme.example"),
        ("http://acme.example", "acme.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("acme。example", "acme.example"),
        ("a.b.c.acme.co.uk", "a.b.c.acme.co.uk"),
        ("www.acme.example", "acme.example"),
        ("https://WWW.acme.example/about", "acme.example"),
        ("www.b.acme.example", "b.acme.example"),
        ("www.www.acme.example", "acme.example"),
        ("www.example", "www.example"),
        ("www.co.uk", "www.co.uk"),
        ("wwwacme.example", "wwwacme.example"),
    ],
)
def test_domains(typed: str, stored: str) -> None:
    assert subjects.domain(typed) == stored
    assert subjects.domain(stored) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "acme",
        "localhost",
        "*.acme.example",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "[::1]",
        "2001:db8::1",
        "acme.example:443",
        "https://acme.example:443/",
        "https://user@acme.example/",
        "ftp://acme.example",
        "acme.example/path",
        "me@acme.example",
        "_freehold.acme.example",
        "acme..example",
        "-acme.example",
        "acme.example\nother.example",
        "acme\x00.example",
        "http://[",
        "a" * 64 + ".example",
        "a." * 120 + "example",
        "x" * 5000,
        "com.au",
        "github.io",
        "acme.github.io",
        "deep.below.acme.netlify.app",
        "\u200bacme.example\u200b",
    ],
)
def test_what_is_no_domain_of_ones_own(typed: str) -> None:
    with pytest.raises(Invalid):
        subjects.domain(typed)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(typed: str) -> None:
    for read in (subjects.domain, subjects.forge, subjects.mailbox):
        try:
            found = read(typed)
        except Invalid:
            continue
        assert found


@pytest.mark.parametrize(
    ("typed", "address", "domain"),
    [
        ("admin@acme.example", "admin@acme.example", "acme.example"),
        ("Ada.Lovelace@ACME.example", "Ada.Lovelace@acme.example", "acme.example"),
        ("info@bücher.example", "info@xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_mailboxes(typed: str, address: str, domain: str) -> None:
    assert subjects.mailbox(typed) == (address, domain)


@pytest.mark.parametrize(
    "typed",
    [
        "acme.example",
        "@acme.example",
        "me@gmail.com",
        "me@GoogleMail.com",
        "me@mailinator.com",
        "me@sub.yopmail.com",
        "me@acme.github.io",
        "me@co.uk",
        "me@localhost",
        "a b@acme.example",
        '"a"@acme.example',
        "a@b@acme.example",
        "a\r\nBcc: x@acme.example",
        f"{'a' * 65}@acme.example",
    ],
)
def test_what_is_no_mailbox_at_a_domain_of_ones_own(typed: str) -> None:
    with pytest.raises(Invalid):
        subjects.mailbox(typed)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://github.com/acme", "https://github.com/acme"),
        ("github.com/ACME", "https://github.com/acme"),
        ("http://www.GitHub.com/Acme/", "https://github.com/acme"),
        ("https://codeberg.org/acme", "https://codeberg.org/acme"),
        ("https://git.acme.example/acme", "https://git.acme.example/acme"),
        ("https://acme.example/git/acme", "https://acme.example/git/acme"),
    ],
)
def test_forges(typed: str, stored: str) -> None:
    assert subjects.forge(typed) == stored
    assert subjects.forge(stored) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "github.com",
        "acme",
        "https://github.com/",
        "https://github.com/acme?x=1",
        "https://github.com/acme#x",
        "https://github.com:8443/acme",
        "https://me@github.com/acme",
        "ftp://github.com/acme",
        "https://127.0.0.1/acme",
        "https://localhost/acme",
        "https://github.com/..",
        "https://github.com/acme.git",
        "https://git.acme.example/../acme",
        "https://git.acme.example/{owner}",
        "https://git.acme.example/%2e%2e/acme",
        "https://github.com/" + "a" * 101,
    ],
)
def test_what_is_no_account_on_a_forge(typed: str) -> None:
    with pytest.raises(Invalid):
        subjects.forge(typed)


@pytest.mark.parametrize(
    ("stored", "text", "ascii_"),
    [
        ("acme.example", "acme.example", ""),
        ("xn--bcher-kva.example", "bücher.example", "xn--bcher-kva.example"),
        ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com", ""),  # Cyrillic letters that read "apple"
        ("xn--pple-43d.com", "xn--pple-43d.com", ""),  # a Cyrillic one among Latin ones
        ("xn--e1afmkfd.xn--p1ai", "пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("xn--r8jz45g.xn--zckzah", "例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("xn--a.example", "xn--a.example", ""),
    ],
)
def test_how_domains_are_shown(stored: str, text: str, ascii_: str) -> None:
    shown = subjects.shown_domain(stored)
    assert (shown.text, shown.ascii) == (text, ascii_)
