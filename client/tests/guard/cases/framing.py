"""Multipart framing: headers of parts, delimiters and media types that parsers read in different ways."""

from __future__ import annotations

from collections.abc import Iterator

from guard.cases.case import DISPOSITION, EVIL_BODY, FORM, B, Case, mp, raw
from guard.made import CRLF, EVIL, EVIL_FILE, PLAIN, PLAIN_FILE, field, file, form_type, http, multipart, part, upload


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
    spelled = f"plain.-{B.decode()}", f"plain--{B.decode()}-1.0.zip"
    yield Case("header-boundary-in-filename", mp(upload(*spelled)))
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
    # The same with a harmless field: the delimiter alone is what is wrong.
    harmless = field("summary", "x")
    for label, text in smuggled.items():
        odd = text.replace(evil, harmless).replace(evil.replace(CRLF, b"\n"), harmless.replace(CRLF, b"\n"))
        yield Case(f"odd-{label}", mp([*upload()[:-1], file(PLAIN_FILE, b"x" + odd)]))
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
    for label, boundary in {
        "long": b"b" * 71,
        "dash": b"abc-",
        "dashes": b"--",
        "space": b"a b",
        "equals": b"a=b",
        "quote": b'a"b',
        "slash": b"a/b",
        "trailing-space-quoted": b'"abc "',
    }.items():
        yield Case(f"boundary-{label}", http(multipart(upload(EVIL, EVIL_FILE), boundary), form_type(boundary)))
