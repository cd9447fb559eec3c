"""Bodies other than multipart."""

from __future__ import annotations

import json
from collections.abc import Iterator

from guard.cases.case import EVIL_BODY, FORM, JSON, Case
from guard.made import form_type, http


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
    for content_type in (
        "text/xml",
        "application/xml",
        "text/plain",
        "text/json",
        "application/octet-stream",
        "x",
        "*/*",
        "application/x-ndjson",
        "application/yaml",
        "application/msgpack",
        "application/javascript",
    ):
        yield Case(f"body-{content_type}", http(call, content_type), (415,))
    yield Case("body-without-type", http(EVIL_BODY), (415,))
    yield Case("body-none", http(b""), (400, 415))
    yield Case("body-none-form", http(b"", form_type()))
    yield Case("body-raw-file", http(b"x", "application/gzip", target="/acme_evil-1.0.tar.gz", method="PUT"), (415,))
