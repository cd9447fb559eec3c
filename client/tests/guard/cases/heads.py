"""Methods, paths, query strings, lengths and credentials."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from guard.cases.case import EVIL_BODY, FORM, JSON, Case, mp
from guard.made import EVIL, EVIL_FILE, chunked, field, form_type, http, multipart, upload


def heads() -> Iterator[Case]:
    """Methods and headers."""
    for method in ("PUT", "PATCH", "FOO", "post", "Post", "PROPFIND", "REPORT"):
        # A server may answer for itself to a method that it doesn't know.
        yield Case(f"method-{method}", http(EVIL_BODY, form_type(), method=method), (409, 400, 405, 501))
    for method in ("DELETE", "MKCOL", "TRACE", "LOCK", "get", "Get"):
        yield Case(f"method-{method}", http(method=method, target="/simple/acme-evil/"), (400, 415, 405, 501))
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Method", "X-Original-Method"):
        override = [(header, "POST")]
        yield Case(
            f"override-get-{header}", http(method="GET", target="/?name=acme-evil", headers=override, length=None)
        )
        yield Case(f"override-post-{header}", http(EVIL_BODY, form_type(), headers=[(header, "GET")]))
    for method in ("GET", "HEAD", "OPTIONS"):
        yield Case(f"body-on-{method}", http(EVIL_BODY, form_type(), method=method))
    yield Case(
        "chunked-on-GET",
        http(chunked(EVIL_BODY), form_type(), method="GET", length=None, headers=[("Transfer-Encoding", "chunked")]),
        (400, 411),
    )
    for encoding in ("gzip", "identity", "deflate", "x", "gzip, gzip"):
        body = gzip.compress(EVIL_BODY) if encoding == "gzip" else EVIL_BODY
        yield Case(f"encoding-{encoding}", http(body, form_type(), headers=[("Content-Encoding", encoding)]), (415,))
    yield Case("trailer", http(EVIL_BODY, form_type(), headers=[("Trailer", "Name")]))
    yield Case("expect", http(EVIL_BODY, form_type(), headers=[("Expect", "100-continue")]), (409,))
    yield Case("two-types-evil-first", http(EVIL_BODY, form_type(), headers=[("Content-Type", JSON)]), (400, 409, 415))
    yield Case("two-types-evil-last", http(EVIL_BODY, JSON, headers=[("Content-Type", form_type())]), (400, 409, 415))
    yield Case("type-underscore", http(EVIL_BODY, JSON, headers=[("Content_Type", form_type())]), (400, 409, 415))
    yield Case("upgrade", http(EVIL_BODY, form_type(), headers=[("Upgrade", "h2c")]), (409,))


def targets() -> Iterator[Case]:
    """Paths and query strings."""
    for target in (
        "/",
        "//",
        "//legacy/",
        "/simple/",
        "/legacy/../simple/",
        "/%2e%2e/",
        "/legacy/..;/login",
        "/login/../",
        "/login%00",
        "/login;x",
        "/login?x",
        "/LOGIN",
        "/login/",
        "/\xe9",
        "/pypi",
        "/login%2f..%2f",
    ):
        yield Case(f"path-{target!r}", http(EVIL_BODY, form_type(), target=target), (409, 400))
    yield Case("path-absolute", http(EVIL_BODY, form_type(), target="http://index.example/legacy/"), (409, 400))
    yield Case("path-absolute-other", http(b"name=acme-evil", FORM, target="http://index.example/login/x"), (409, 400))
    yield Case("path-relative", http(EVIL_BODY, form_type(), target="legacy"), (400, 409))
    yield Case("path-star", http(EVIL_BODY, form_type(), target="*"), (400, 409))
    yield Case("login-multipart", http(EVIL_BODY, form_type(), target="/login"), (409,))
    yield Case("login-multipart-odd", http(EVIL_BODY, form_type().upper(), target="/login"), (415,))
    for header in ("X-Original-URL", "X-Rewrite-URL"):
        request = http(b"name=acme-evil", FORM, target="/login", headers=[(header, "/legacy/")])
        yield Case(f"login-{header}", request, (409,))
    for query in (
        "name=acme-evil",
        ":action=file_upload&name=acme-evil",
        "%6eame=acme-evil",
        "Name=acme-evil",
        "x;name=acme",
        "+name=acme",
        "name[]=acme",
        "_method=PUT",
        "filename=acme_evil-1.0.zip",
        "project=acme-evil",
        "NAME%00=acme",
    ):
        yield Case(f"query-{query}", http(multipart(upload()), form_type(), target=f"/legacy/?{query}"))
    for query in (
        ":action=file_upload&name=acme-evil",
        "%3Aaction=submit&name=acme",
        "_method=POST&name=acme",
        "%3AACTION=Doc_Upload&name=acme",
        "x=1;:action=remove_pkg",
    ):
        yield Case(f"get-{query}", http(method="GET", target=f"/?{query}", length=None))


def lengths() -> Iterator[Case]:
    """Bodies whose end is a matter of opinion. A server may refuse them before the guard sees them."""
    form = form_type()
    te = [("Transfer-Encoding", "chunked")]
    yield Case("chunked", http(chunked(EVIL_BODY), form, length=None, headers=te), (409, 411))
    yield Case("chunked-and-length", http(chunked(EVIL_BODY), form, headers=te), (400, 409, 411, 0))
    yield Case("chunked-twice", http(chunked(EVIL_BODY), form, length=None, headers=te * 2), (400, 411, 501, 409))
    yield Case(
        "chunked-gzip",
        http(chunked(EVIL_BODY), form, length=None, headers=[("Transfer-Encoding", "gzip, chunked")]),
        (400, 411, 501, 409),
    )
    for coding in ("gzip", "identity", "xchunked", "chunked, identity"):
        request = http(EVIL_BODY, form, headers=[("Transfer-Encoding", coding)])
        yield Case(f"coding-{coding}", request, (400, 411, 501, 0, 409))
    trailing = chunked(EVIL_BODY)[:-2] + b"Name: acme\r\n\r\n"
    yield Case("chunked-trailer", http(trailing, form, length=None, headers=te), (409, 411, 400))
    for length in (
        "+5",
        "0x10",
        "5,5",
        "-1",
        "1e3",
        "",
        "\u0665".encode().decode("latin-1"),
        "99999999999999999999",
        "5 5",
    ):
        yield Case(f"length-{length!r}", http(EVIL_BODY, form, length=length), (400, 411, 413, 0, 408, 415))
    yield Case("length-none", http(EVIL_BODY, form, length=None), (411, 400))
    yield Case("length-huge", http(b"x", form, length=str(10**12)), (413, 400))
    twice = [("Content-Length", "5")]
    yield Case("length-twice", http(EVIL_BODY, form, headers=twice), (400, 409, 0))
    yield Case("length-short", http(multipart(upload()), form, length="100"), (400,))


def identities() -> Iterator[Case]:
    """Somebody who says that they are the holder."""
    for header in (
        "X-Remote-User",
        "Remote-User",
        "Remote_User",
        "X-Forwarded-User",
        "REMOTE-USER",
        "X-User",
        "From",
        "X-Freehold-User",
        "X-Freehold-Organization",
        "Freehold.Decision",
        "X-Authenticated-User",
    ):
        yield Case(f"claims-{header}", http(EVIL_BODY, form_type(), headers=[(header, "holder")]), (409,))
    yield Case("claims-nobody", http(EVIL_BODY, form_type(), user=None), (409,))
    wrong = [("Authorization", "Basic aG9sZGVyOndyb25n")]
    yield Case("claims-wrong-password", http(EVIL_BODY, form_type(), user=None, headers=wrong), (409,))
    yield Case(
        "claims-field", mp(upload(EVIL, EVIL_FILE, field("user", "holder"), field("organization", "acme"))), (409,)
    )
    yield Case("claims-two-credentials", http(EVIL_BODY, form_type(), headers=wrong), (400, 409))
    yield Case("claims-cookie", http(EVIL_BODY, form_type(), headers=[("Cookie", "REMOTE_USER=holder")]), (409,))
