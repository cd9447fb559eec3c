"""The adversarial requests: each tries to have the index read a reserved name, from somebody who doesn't hold it.

A case is an id, the bytes of the request, and the statuses that are right. 0 stands for a connection that the server
itself has closed on a request that is no HTTP.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import NamedTuple

from .made import BOUNDARY, CRLF, EVIL, EVIL_FILE, PLAIN, PLAIN_FILE
from .made import chunked, field, file, form_type, http, multipart, part, upload

B = BOUNDARY
DISPOSITION = 'Content-Disposition: form-data; name="{}"'
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Case(NamedTuple):
    id: str
    request: bytes
    statuses: tuple[int, ...] = (400, 415)


def all_cases() -> list[Case]:
    """Every case, ids unique."""
    makers = (straight, fields, values, filenames, part_headers, framing, media_types, pairs, documents, other_bodies)
    cases = [case for maker in (*makers, heads, targets, lengths, identities) for case in maker()]
    assert len({case.id for case in cases}) == len(cases)
    return cases


def mp(parts: list[bytes], content_type: str | None = None) -> bytes:
    return http(multipart(parts), content_type or form_type())


def raw(body: bytes, boundary: bytes = B) -> bytes:
    return http(body, form_type(boundary))


EVIL_BODY = multipart(upload(EVIL, EVIL_FILE))


def straight() -> Iterator[Case]:
    """Well-formed uploads of reserved names: refused for what they are."""
    for name, filename in [
        ("acme-evil", "acme_evil-1.0.tar.gz"),
        ("acme", "acme-1.0.tar.gz"),
        ("ACME.Evil", "ACME.Evil-1.0.zip"),
        ("acme__evil", "acme__evil-1.0.tar.gz"),
        ("a.c", "acme_evil-1.0.tar.gz"),
        ("Acme-.-Evil", "acme_evil-1.0-py3-none-any.whl"),
        ("acme-evil", "acme-evil-1.0.tar.gz"),
        ("acme-evil", "acme_evil-1.0-1-py2.py3-none-any.whl"),
        ("kk-x", "kk_x-1.0.tgz"),
        ("acme-evil", "acme_evil-1.0-py3.9.egg"),
    ]:
        yield Case(f"straight-{name}-{filename}", mp(upload(name, filename)), (409, 400))
    for action in ("submit", "doc_upload", "remove_pkg", "verify", "file_upload", "anything"):
        yield Case(f"straight-action-{action}", mp([field(":action", action), field("name", EVIL)]), (409,))
    yield Case("straight-no-action", mp([field("name", EVIL), file(EVIL_FILE)]), (409,))
    yield Case("straight-name-last", mp([file(EVIL_FILE), field("name", EVIL)]), (409,))
    yield Case(
        "straight-doc-upload",
        mp([field(":action", "doc_upload"), field("name", EVIL), file("acme-evil.zip")]),
        (409,),
    )


def fields() -> Iterator[Case]:
    """Fields twice, or spelled otherwise."""
    yield Case("twice-name-plain-first", mp(upload(PLAIN, PLAIN_FILE, field("name", EVIL))))
    yield Case("twice-name-evil-first", mp([field("name", EVIL), *upload()]))
    yield Case("twice-name-same", mp([field("name", PLAIN), *upload()]))
    yield Case("twice-content", mp([*upload(), file(EVIL_FILE)]))
    yield Case("twice-content-evil-first", mp([file(EVIL_FILE), *upload()]))
    yield Case("twice-action", mp([field(":action", "submit"), *upload()]))
    yield Case("twice-version", mp([field("version", "2.0"), *upload()]))
    for key in ("Name", "NAME", "name[]", "name[0]", " name", "name ", "name.", "name:string", ":name", "name\t", "_name", "name__"):
        yield Case(f"extra-{key!r}", mp([field(key, EVIL), *upload()]))
    for key in ("project", "package", "package_name", "project_name", "distribution", "Project", "package-name"):
        yield Case(f"alias-{key}", mp([field(key, EVIL), *upload()]))
    for key in ("filename", "file_name", "FileName", "file-name"):
        yield Case(f"file-alias-{key}", mp([field(key, EVIL_FILE), *upload()]))
    yield Case("name-missing", mp([field("version", "1.0"), file(EVIL_FILE)]))
    yield Case("name-as-file", mp([part(DISPOSITION.format("name") + '; filename="x"', EVIL), *upload()]))
    yield Case("name-as-only-file", mp([part(DISPOSITION.format("name") + '; filename="x"', EVIL), file(EVIL_FILE)]))
    yield Case("other-file", mp([*upload(), file(EVIL_FILE, name="other")]))
    yield Case("content-without-filename", mp([field("name", PLAIN), field("content", "x")]))
    yield Case("charset-field", mp([field("_charset_", "utf-16"), *upload()]))
    yield Case("method-field", mp([field("_method", "PUT"), *upload()]))
    yield Case("signature-of-another", mp([*upload(), file(EVIL_FILE + ".asc", name="gpg_signature")]))
    yield Case("signature-alone", mp([field("name", PLAIN), file(EVIL_FILE + ".asc", name="gpg_signature")]))
    yield Case("signature-twice", mp([*upload(), *[file(PLAIN_FILE + ".asc", name="gpg_signature")] * 2]))
    yield Case("too-many-parts", mp([field("classifiers", "x")] * 10_001 + upload()), (413,))


def values() -> Iterator[Case]:
    """Names that are read as reserved ones once they are stripped, decoded or folded."""
    for label, value in {
        "kelvin": "\u212a\u212a-evil",
        "fullwidth": "\uff41cme-evil",
        "long-s": "acme-\u017fevil",
        "newline": "acme-evil\n",
        "crlf": "acme-evil\r\n",
        "space-after": "acme-evil ",
        "space-before": " acme-evil",
        "tab": "acme-evil\t",
        "nul": "acme-evil\x00",
        "nul-inside": "plain\x00acme",
        "nul-before": "\x00acme-evil",
        "bom": "\ufeffacme-evil",
        "zero-width": "acme\u200b-evil",
        "nbsp": "acme-evil\u00a0",
        "percent": "%61cme-evil",
        "plus": "acme+evil",
        "quoted-printable": "=61cme-evil",
        "encoded-word": "=?utf-8?q?acme-evil?=",
        "dash-before": "-acme-evil",
        "dash-after": "acme-evil-",
        "dot-after": "acme-evil.",
        "underscore-before": "_acme",
        "empty": "",
        "two-lines": "plain\nacme-evil",
        "comma": "plain,acme-evil",
        "slash": "plain/../acme-evil",
        "long": "acme-" + "e" * 300,
        "entity": "&#97;cme",
        "backspace": "plain\x08acme",
    }.items():
        yield Case(f"value-{label}", mp(upload(value, EVIL_FILE)))
        yield Case(f"value-{label}-plain-file", mp(upload(value, PLAIN_FILE)))
    yield Case("value-utf-16", mp(upload("acme-evil".encode("utf-16"), EVIL_FILE)))
    yield Case("value-latin-1", mp(upload(b"acme\xad-evil", EVIL_FILE)))
    yield Case("value-endless", mp(upload("a" * 1_000_000, PLAIN_FILE)))


def filenames() -> Iterator[Case]:
    """A name that may pass, over a file that may not."""
    for name in (
        EVIL_FILE,
        "acme-1.0.tar.gz",
        "acme_evil-1.0-py3-none-any.whl",
        "../acme_evil-1.0.tar.gz",
        "plain/../acme_evil-1.0.tar.gz",
        "/acme_evil-1.0.tar.gz",
        "%61cme_evil-1.0.tar.gz",
        "plain-1.0.tar.gz%00acme_evil-1.0.tar.gz",
        "plain-1.0.tar.gz;acme_evil-1.0.tar.gz",
        "plain-1.0.tar.gz acme_evil-1.0.tar.gz",
        " plain-1.0.tar.gz",
        "plain-1.0.tar.gz ",
        "plain-1.0.exe",
        "plain-1.0",
        "plain.tar.gz",
        "plain-.tar.gz",
        "-1.0.tar.gz",
        "plain--1.0.tar.gz",
        "plain-x.tar.gz",
        "plain-1.0.WHL",
        "plain-1.0.TAR.GZ",
        "plain-1.0.tar.gz.asc",
        "plain-1.0-py3-none.whl",
        "plain-acme-1.0-1-py3-none-any.whl",
        "plain-1.0-x-py3-none-any.whl",
        "plain--1.0-py3-none-any.whl",
        "x:plain-1.0.tar.gz",
        "acme*-1.0.tar.gz",
        "",
    ):
        yield Case(f"file-{name!r}", mp(upload(PLAIN, name)))
    yield Case("file-nul", mp(upload(PLAIN, "plain-1.0.tar.gz\x00")))
    yield Case("file-kelvin", mp(upload(PLAIN, "\u212a\u212a-1.0.tar.gz")))
    yield Case("file-long", mp(upload(PLAIN, "plain-1" + "0" * 300 + ".tar.gz")))
    # Files that are one project's to one index, and another's to the next.
    yield Case("file-two-readings", mp(upload(PLAIN, "plain-1-1.0.zip")), (409,))
    yield Case("file-two-readings-inner", mp(upload("acme-1-b", "acme-1.b-1.0.zip")), (409,))
    yield Case("file-two-readings-v", mp(upload(PLAIN, "plain-1-v1.zip")), (409,))
    yield Case("file-doc-whole", mp([field(":action", "doc_upload"), field("name", PLAIN), file("acme.zip")]))
    yield Case("file-doc-version", mp([field(":action", "doc_upload"), field("name", "plain"), file("plain-1.doc.zip")]), (409,))


def part_headers() -> Iterator[Case]:
    """Headers of a part that parsers read in different ways."""
    for label, line in {
        "unquoted": "Content-Disposition: form-data; name=name",
        "single-quotes": "Content-Disposition: form-data; name='name'",
        "extended": "Content-Disposition: form-data; name*=utf-8''name",
        "extended-too": "Content-Disposition: form-data; name=\"x\"; name*=utf-8''name",
        "continued": 'Content-Disposition: form-data; name*0="na"; name*1="me"',
        "twice": 'Content-Disposition: form-data; name="x"; name="name"',
        "twice-case": 'Content-Disposition: form-data; name="x"; NAME="name"',
        "upper": 'Content-Disposition: form-data; NAME="name"',
        "escape": 'Content-Disposition: form-data; name="na\\me"',
        "escaped-quote": 'Content-Disposition: form-data; name="x\\"; name=\\"name"',
        "percent": 'Content-Disposition: form-data; name="n%61me"',
        "encoded-word": 'Content-Disposition: form-data; name="=?utf-8?q?name?="',
        "two-spaces": 'Content-Disposition: form-data;  name="name"',
        "no-space": 'Content-Disposition: form-data;name="name"',
        "tab": 'Content-Disposition: form-data;\tname="name"',
        "space-before-colon": 'Content-Disposition : form-data; name="name"',
        "no-space-after-colon": 'Content-Disposition:form-data; name="name"',
        "folded": 'Content-Disposition: form-data;\r\n name="name"',
        "folded-tab": 'Content-Disposition: form-data;\r\n\tname="name"',
        "lower-header": 'content-disposition: form-data; name="name"',
        "upper-header": 'CONTENT-DISPOSITION: form-data; name="name"',
        "upper-form-data": 'Content-Disposition: FORM-DATA; name="name"',
        "attachment": 'Content-Disposition: attachment; name="name"',
        "trailing-semicolon": 'Content-Disposition: form-data; name="name";',
        "trailing-space": 'Content-Disposition: form-data; name="name" ',
        "comment": 'Content-Disposition: form-data; name="name" (x)',
        "other-parameter": 'Content-Disposition: form-data; name="name"; size=9',
        "filename-first": 'Content-Disposition: form-data; filename="x"; name="name"',
        "space-around-equals": 'Content-Disposition: form-data; name = "name"',
        "unterminated": 'Content-Disposition: form-data; name="name',
        "bare-lf": 'X: y\nContent-Disposition: form-data; name="name"',
        "bare-cr": 'X: y\rContent-Disposition: form-data; name="name"',
        "lf-before-empty": 'Content-Disposition: form-data; name="name"\n',
        "no-name": "Content-Disposition: form-data",
        "space-first": ' Content-Disposition: form-data; name="name"',
        "twice-header": DISPOSITION.format("x") + CRLF.decode() + DISPOSITION.format("name"),
        "nul": 'Content-Disposition: form-data; name="name\x00"',
    }.items():
        yield Case(f"header-{label}", mp([part(line, EVIL), *upload()]))
    for label, line in {
        "base64": "Content-Transfer-Encoding: base64",
        "quoted-printable": "Content-Transfer-Encoding: quoted-printable",
        "7bit": "Content-Transfer-Encoding: 7bit",
        "length": "Content-Length: 3",
        "utf-16": "Content-Type: text/plain; charset=utf-16",
        "utf-7": "Content-Type: text/plain; charset=utf-7",
        "nested": "Content-Type: multipart/mixed; boundary=inner",
        "message": "Content-Type: message/rfc822",
        "urlencoded": f"Content-Type: {FORM}",
        "html": "Content-Type: text/html",
        "encoding": "Content-Encoding: gzip",
        "unknown": "X-Name: acme",
        "two-types": "Content-Type: text/plain\r\nContent-Type: text/plain",
        "parameter": "Content-Type: application/octet-stream; name=acme",
    }.items():
        yield Case(f"part-{label}", mp([*upload(), part(DISPOSITION.format("summary"), "name=acme-evil", line)]))
    for key in ("filename*=utf-8''" + EVIL_FILE, f'filename="{EVIL_FILE}"', f'FILENAME="{EVIL_FILE}"'):
        line = f'{DISPOSITION.format("content")}; filename="{PLAIN_FILE}"; {key}'
        yield Case(f"content-also-{key}", mp([*upload()[:-1], part(line, "x")]))
    inner = multipart([field("name", EVIL)], b"inner")
    nested = part(DISPOSITION.format("summary"), inner, "Content-Type: multipart/form-data; boundary=inner")
    yield Case("nested-form", mp([*upload(), nested]))
    yield Case("header-block-empty", mp([b"\r\n" + EVIL.encode(), *upload()]))
    yield Case("header-block-long", mp([part(DISPOSITION.format("x"), "y", "X: " + "y" * 10_000), *upload()]))
    yield Case("header-boundary-inside", mp([field("--" + B.decode(), "x"), *upload()]))


def framing() -> Iterator[Case]:
    """Delimiters that some parsers see and others don't."""
    good = multipart(upload())
    evil = field("name", EVIL)
    mark = b"--" + B
    yield Case("preamble-evil", raw(multipart([evil])[: -len(mark) - 4] + good))
    yield Case("preamble-crlf", raw(CRLF + good))
    yield Case("preamble-text", raw(b"hello" + CRLF + good))
    yield Case("epilogue-text", raw(good + b"x"))
    yield Case("epilogue-crlf", raw(good + CRLF))
    yield Case("epilogue-form", raw(good + multipart([evil])))
    yield Case("no-final-crlf", raw(good[:-2]))
    yield Case("no-closing", raw(good[: -len(mark) - 4]))
    yield Case("cut-in-file", raw(good[:-60]))
    yield Case("closing-then-part", raw(good[:-2] + CRLF + mark + CRLF + evil + CRLF + mark + b"--" + CRLF))
    yield Case("lf-everywhere", raw(multipart([p.replace(CRLF, b"\n") for p in upload(EVIL, EVIL_FILE)], eol=b"\n")))
    yield Case("cr-everywhere", raw(multipart([p.replace(CRLF, b"\r") for p in upload(EVIL, EVIL_FILE)], eol=b"\r")))
    smuggled = {
        "lf": b"\n" + mark + b"\n" + evil.replace(CRLF, b"\n") + b"\n",
        "cr": b"\r" + mark + b"\r" + evil + b"\r",
        "lf-crlf": b"\n" + mark + CRLF + evil,
        "inside-line": b"x" + mark + CRLF + evil,
        "space-after": CRLF + mark + b" \r\n" + evil,
        "tab-after": CRLF + mark + b"\t\r\n" + evil,
        "lf-after": CRLF + mark + b"\n" + evil,
        "cr-after": CRLF + mark + b"\r" + evil,
        "closing-early": CRLF + mark + b"--" + CRLF + evil,
        "closing-dash": CRLF + mark + b"-" + CRLF + evil,
        "closing-dashes": CRLF + mark + b"---" + CRLF + evil,
        "closing-spaces": CRLF + mark + b"-- \r\n" + evil,
        "longer": CRLF + mark + b"abc" + CRLF + evil,
        "nul-after": CRLF + mark + b"\x00" + CRLF + evil,
        "space-before": CRLF + b" " + mark + CRLF + evil,
        "vertical-tab": b"\x0b" + mark + CRLF + evil,
        "form-feed": b"\x0c" + mark + CRLF + evil,
    }
    for label, text in smuggled.items():
        yield Case(f"smuggled-{label}", mp([*upload()[:-1], file(PLAIN_FILE, b"x" + text)]))
    yield Case("part-empty", raw(mark + CRLF + CRLF + good))
    yield Case("first-delimiter-space", raw(mark + b" \r\n" + good[len(mark) + 2 :]))
    yield Case("missing-empty-line", mp([b'Content-Disposition: form-data; name="name"', *upload()]))
    yield Case("value-without-line", raw(good.replace(b'name="name"\r\n\r\n' + PLAIN.encode(), b'name="name"\r\n\r\n')))
    yield Case("only-closing", raw(mark + b"--" + CRLF))
    yield Case("other-boundary", raw(multipart(upload(EVIL, EVIL_FILE), b"other")))
    # A line of 64 KiB: parsers by lines lose track of where a line began.
    long = b"x" * (65536 - 2) + mark + CRLF + evil
    yield Case("line-of-64k", mp([*upload()[:-1], file(PLAIN_FILE, long)]))


def media_types() -> Iterator[Case]:
    """Content-Type headers from which two parsers take two boundaries, or none."""
    b = B.decode()
    for label, content_type in {
        "quoted": f'multipart/form-data; boundary="{b}"',
        "single-quoted": f"multipart/form-data; boundary='{b}'",
        "two": f"multipart/form-data; boundary=x; boundary={b}",
        "two-other-order": f"multipart/form-data; boundary={b}; boundary=x",
        "charset": f"multipart/form-data; boundary={b}; charset=utf-16",
        "charset-first": f"multipart/form-data; charset=utf-7; boundary={b}",
        "upper-parameter": f"multipart/form-data; BOUNDARY={b}",
        "upper-type": f"Multipart/Form-Data; boundary={b}",
        "mixed": f"multipart/mixed; boundary={b}",
        "related": f"multipart/related; boundary={b}",
        "extended": f"multipart/form-data; boundary*=utf-8''{b}",
        "continued": f"multipart/form-data; boundary*0={b[:9]}; boundary*1={b[9:]}",
        "none": "multipart/form-data",
        "empty": "multipart/form-data; boundary=",
        "space-around": f"multipart/form-data; boundary = {b}",
        "trailing": f"multipart/form-data; boundary={b};",
        "comma": f"multipart/form-data; boundary={b}, application/json",
        "comma-first": f"application/json, multipart/form-data; boundary={b}",
        "no-semicolon": f"multipart/form-data boundary={b}",
        "tab": f"multipart/form-data;\tboundary={b}",
        "comment": f"multipart/form-data (x); boundary={b}",
        "non-ascii": f"multipart/form-data; boundary={b}\xe9",
        "form-datax": f"multipart/form-datax; boundary={b}",
        "x-multipart": f"x-multipart/form-data; boundary={b}",
        "leading-space": f"  multipart/form-data;  boundary={b}",
        "slash": f"multipart/form-data/x; boundary={b}",
    }.items():
        yield Case(f"type-{label}", http(EVIL_BODY, content_type), (400, 415))
    for label, boundary in {"long": b"b" * 71, "dash": b"abc-", "dashes": b"--", "space": b"a b", "equals": b"a=b",
                            "quote": b'a"b', "slash": b"a/b", "trailing-space-quoted": b'"abc "'}.items():
        yield Case(f"boundary-{label}", http(multipart(upload(EVIL, EVIL_FILE), boundary), form_type(boundary)))


def pairs() -> Iterator[Case]:
    """Urlencoded bodies."""
    for label, body, statuses in [
        ("evil", b":action=submit&name=acme-evil&version=1", (409,)),
        ("remove", b":action=remove_pkg&name=acme-evil&version=1", (409,)),
        ("encoded-value", b"name=%61cme-evil", (409,)),
        ("encoded-key", b"n%61me=acme-evil", (409,)),
        ("action-encoded", b"%3Aaction=submit&name=acme-evil", (409,)),
        ("filename", b"name=plain&filename=acme_evil-1.0.tar.gz", (400,)),
        ("filename-alone", b"filename=acme_evil-1.0.tar.gz", (409,)),
        ("alias", b"project=acme-evil", (409,)),
        ("two-aliases", b"name=plain&project=acme-evil", (400,)),
        ("twice", b"name=plain&name=acme-evil", (400,)),
        ("twice-reversed", b"name=acme-evil&name=plain", (400,)),
        ("twice-encoded", b"name=plain&n%61me=acme-evil", (400,)),
        ("semicolon", b"name=plain;name=acme-evil", (400,)),
        ("semicolon-other", b"x=1;name=acme-evil&name=plain", (400,)),
        ("case", b"name=plain&Name=acme-evil", (400,)),
        ("case-encoded", b"name=plain&%4Eame=acme-evil", (400,)),
        ("brackets", b"name=plain&name[]=acme-evil", (400,)),
        ("brackets-encoded", b"name=plain&name%5B%5D=acme-evil", (400,)),
        ("space-key", b"name=plain&+name=acme-evil", (400,)),
        ("nul-key", b"name=plain&name%00=acme-evil", (400,)),
        ("plus", b"name=acme-evil+", (400,)),
        ("plus-before", b"name=+acme-evil", (400,)),
        ("newline", b"name=acme-evil%0A", (400,)),
        ("raw-newline", b"name=acme-evil\r\n", (400,)),
        ("nul", b"name=acme-evil%00", (400,)),
        ("kelvin", b"name=%E2%84%AA%E2%84%AA-evil", (400,)),
        ("raw-kelvin", b"name=\xe2\x84\xaa\xe2\x84\xaa", (400,)),
        ("overlong", b"name=%C1%A1cme", (400,)),
        ("u-escape", b"name=%u0061cme-evil", (400,)),
        ("bad-percent", b"name=plain&x=%zz&y=%", (400,)),
        ("double", b"name=%2561cme-evil", (400,)),
        ("no-equals", b"name=plain&name", (400,)),
        ("empty-pair", b"name=plain&&name=acme-evil", (400,)),
        ("method", b"_method=PUT&name=plain", (400,)),
        ("charset-field", b"_charset_=utf-16&name=plain", (400,)),
        ("content", b"name=plain&content=acme", (415,)),
        ("nothing", b"user=bob&password=x", (400,)),
        ("empty", b"", (400,)),
        ("question-mark", b"?name=acme-evil", (400,)),
        ("large", b"name=plain&x=" + b"y" * 1_100_000, (413,)),
        ("empty-name", b"name=", (400,)),
    ]:
        yield Case(f"pairs-{label}", http(body, FORM), statuses)
    for charset in ("utf-16", "utf-7", "iso-8859-1", '"utf-8"'):
        yield Case(f"pairs-charset-{charset}", http(b"name=acme-evil", f"{FORM}; charset={charset}"), (415,))
    yield Case("pairs-upper-type", http(b"name=acme-evil", FORM.upper()), (415,))
    yield Case("pairs-as-multipart", http(b"name=acme-evil", form_type()), (400,))
    yield Case("multipart-as-pairs", http(EVIL_BODY, FORM), (400,))
    yield Case("multipart-as-json", http(EVIL_BODY, JSON), (400,))


def documents() -> Iterator[Case]:
    """JSON bodies."""
    evil = '{"name": "acme-evil"}'
    for label, body, statuses in [
        ("evil", evil, (409,)),
        ("escaped", '{"na\\u006de": "\\u0061cme-evil"}', (409,)),
        ("nested", '{"name": "plain", "info": {"name": "acme-evil"}}', (409,)),
        ("deep", '{"a": [{"b": {"package": "acme-evil"}}]}', (409,)),
        ("list-of", '[{"name": "plain"}, {"name": "acme-evil"}]', (409,)),
        ("filename", '{"filename": "acme_evil-1.0.tar.gz"}', (409,)),
        ("twice", '{"name": "acme-evil", "name": "plain"}', (400,)),
        ("twice-escaped", '{"name": "plain", "n\\u0061me": "acme-evil"}', (400,)),
        ("twice-inside", '{"name": "plain", "info": {"x": 1, "x": {"y": 2}}}', (400,)),
        ("case", '{"name": "plain", "Name": "acme-evil"}', (400,)),
        ("space", '{"name": "plain", "name ": "acme-evil"}', (400,)),
        ("list", '{"name": ["acme-evil"]}', (400,)),
        ("object", '{"name": {"x": "acme-evil"}}', (400,)),
        ("number", '{"name": 5}', (400,)),
        ("null", '{"name": null}', (400,)),
        ("true", '{"name": true}', (400,)),
        ("kelvin", '{"name": "\\u212a\\u212a-x"}', (400,)),
        ("surrogate", '{"name": "acme\\ud800"}', (400,)),
        ("nul", '{"name": "acme\\u0000"}', (400,)),
        ("newline", '{"name": "acme-evil\\n"}', (400,)),
        ("bom", "\ufeff" + evil, (400,)),
        ("trailing", evil + "x", (400,)),
        ("two", evil + evil, (400,)),
        ("comment", "/* */" + evil, (400,)),
        ("single-quotes", "{'name': 'acme-evil'}", (400,)),
        ("nan", '{"name": "plain", "x": NaN}', (400,)),
        ("string", '"acme-evil"', (400,)),
        ("empty", "", (400,)),
        ("nothing", "{}", (400,)),
        ("deep-nest", "[" * 100_000, (400,)),
        ("huge-number", '{"name": "plain", "x": ' + "9" * 100_000 + "}", (400,)),
        ("many", json.dumps([{"name": f"plain{n}"} for n in range(1000)]), (400,)),
        ("large", json.dumps({"name": "plain", "x": "y" * 1_100_000}), (413,)),
    ]:
        yield Case(f"json-{label}", http(body.encode(), JSON), statuses)
    yield Case("json-vendor", http(evil.encode(), "application/vnd.x+json"), (409,))
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7"):
        body = evil.encode(encoding) if encoding != "utf-7" else b'{"name": "+AGEAYwBtAGU-"}'
        yield Case(f"json-in-{encoding}", http(body, JSON), (400,))
        yield Case(f"json-charset-{encoding}", http(body, f"{JSON}; charset={encoding}"), (415,))
    yield Case("json-latin-1", http(b'{"name": "acme\xe9"}', JSON), (400,))


def other_bodies() -> Iterator[Case]:
    """Whatever else a body may be."""
    call = b"<?xml version='1.0'?><methodCall><methodName>register</methodName><params/></methodCall>"
    for content_type in ("text/xml", "application/xml", "text/plain", "text/json", "application/octet-stream", "x", "*/*",
                         "application/x-ndjson", "application/yaml", "application/msgpack", "application/javascript"):
        yield Case(f"body-{content_type}", http(call, content_type), (415,))
    yield Case("body-without-type", http(EVIL_BODY), (415,))
    yield Case("body-none", http(b""), (400, 415))
    yield Case("body-none-form", http(b"", form_type()))
    yield Case("body-raw-file", http(b"x", "application/gzip", target="/acme_evil-1.0.tar.gz", method="PUT"), (415,))


def heads() -> Iterator[Case]:
    """Methods and headers."""
    for method in ("PUT", "PATCH", "FOO", "post", "Post", "PROPFIND", "REPORT"):
        # A server may answer for itself to a method that it doesn't know.
        yield Case(f"method-{method}", http(EVIL_BODY, form_type(), method=method), (409, 400, 405, 501))
    for method in ("DELETE", "MKCOL", "TRACE", "LOCK", "get", "Get"):
        yield Case(f"method-{method}", http(method=method, target="/simple/acme-evil/"), (400, 415, 405, 501))
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Method"):
        override = [(header, "POST")]
        yield Case(f"override-get-{header}", http(method="GET", target="/?name=acme-evil", headers=override, length=None))
        yield Case(f"override-post-{header}", http(EVIL_BODY, form_type(), headers=[(header, "GET")]))
    for method in ("GET", "HEAD", "OPTIONS"):
        yield Case(f"body-on-{method}", http(EVIL_BODY, form_type(), method=method))
    yield Case("chunked-on-GET", http(chunked(EVIL_BODY), form_type(), method="GET", length=None,
                                      headers=[("Transfer-Encoding", "chunked")]), (400, 411, 200))
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
    for target in ("/", "//", "//legacy/", "/simple/", "/legacy/../simple/", "/%2e%2e/", "/legacy/..;/login", "/login/../",
                   "/login%00", "/login;x", "/login?x", "/LOGIN", "/login/", "/\xe9", "/pypi", "/login%2f..%2f"):
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
    for query in ("name=acme-evil", ":action=file_upload&name=acme-evil", "%6eame=acme-evil", "Name=acme-evil", "x;name=acme",
                  "+name=acme", "name[]=acme", "_method=PUT", "filename=acme_evil-1.0.zip", "project=acme-evil", "NAME%00=acme"):
        yield Case(f"query-{query}", http(multipart(upload()), form_type(), target=f"/legacy/?{query}"))
    for query in (":action=file_upload&name=acme-evil", "%3Aaction=submit&name=acme", "_method=POST&name=acme",
                  "%3AACTION=Doc_Upload&name=acme", "x=1;:action=remove_pkg"):
        yield Case(f"get-{query}", http(method="GET", target=f"/?{query}", length=None))


def lengths() -> Iterator[Case]:
    """Bodies whose end is a matter of opinion. A server may refuse them before the guard sees them."""
    form = form_type()
    te = [("Transfer-Encoding", "chunked")]
    yield Case("chunked", http(chunked(EVIL_BODY), form, length=None, headers=te), (409, 411))
    yield Case("chunked-and-length", http(chunked(EVIL_BODY), form, headers=te), (400, 409, 411, 0))
    yield Case("chunked-twice", http(chunked(EVIL_BODY), form, length=None, headers=te * 2), (400, 411, 501, 409))
    yield Case("chunked-gzip", http(chunked(EVIL_BODY), form, length=None, headers=[("Transfer-Encoding", "gzip, chunked")]),
               (400, 411, 501, 409))
    for coding in ("gzip", "identity", "xchunked", "chunked, identity"):
        request = http(EVIL_BODY, form, headers=[("Transfer-Encoding", coding)])
        yield Case(f"coding-{coding}", request, (400, 411, 501, 0, 409))
    trailing = chunked(EVIL_BODY)[:-2] + b"Name: acme\r\n\r\n"
    yield Case("chunked-trailer", http(trailing, form, length=None, headers=te), (409, 411, 400))
    for length in ("+5", "0x10", "5,5", "-1", "1e3", "", "\u0665".encode().decode("latin-1"), "99999999999999999999", "5 5"):
        yield Case(f"length-{length!r}", http(EVIL_BODY, form, length=length), (400, 411, 413, 0, 408, 415))
    yield Case("length-none", http(EVIL_BODY, form, length=None), (411, 400))
    yield Case("length-huge", http(b"x", form, length=str(10**12)), (413, 400))
    twice = [("Content-Length", "5")]
    yield Case("length-twice", http(EVIL_BODY, form, headers=twice), (400, 409, 0))
    yield Case("length-short", http(multipart(upload()), form, length="100"), (400,))


def identities() -> Iterator[Case]:
    """Somebody who says that they are the holder."""
    for header in ("X-Remote-User", "Remote-User", "Remote_User", "X-Forwarded-User", "REMOTE-USER", "X-User", "From",
                   "X-Freehold-User", "X-Freehold-Organization", "Freehold.Decision", "X-Authenticated-User"):
        yield Case(f"claims-{header}", http(EVIL_BODY, form_type(), headers=[(header, "holder")]), (409,))
    yield Case("claims-nobody", http(EVIL_BODY, form_type(), user=None), (409,))
    wrong = [("Authorization", "Basic aG9sZGVyOndyb25n")]
    yield Case("claims-wrong-password", http(EVIL_BODY, form_type(), user=None, headers=wrong), (409,))
    yield Case("claims-field", mp(upload(EVIL, EVIL_FILE, field("user", "holder"), field("organization", "acme"))), (409,))
    yield Case("claims-two-credentials", http(EVIL_BODY, form_type(), headers=wrong), (400, 409))
    yield Case("claims-cookie", http(EVIL_BODY, form_type(), headers=[("Cookie", "REMOTE_USER=holder")]), (409,))
