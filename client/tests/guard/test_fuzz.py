"""Damaged and recombined requests: whatever still reaches the index, no parser reads a reserved name from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.calls import call, environ_of, guarded
from guard.made import BOUNDARY, CRLF, EVIL, EVIL_FILE, PLAIN, PLAIN_FILE, field, file, form_type, multipart, part
from guard.readers import reserved_names

# Parsers that give up leave temporary files behind.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
FUZZED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CAPTURED = [path.read_bytes() for path in sorted((Path(__file__).parent / "honest").glob("*.http"))]
MARK = b"--" + BOUNDARY
TOKENS = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"--", b'"', b"'", b";", b":", b" ", b"\t", b"\0", b"=", b"*", b"\\", b"%61", b"name", b"Name", b"filename",
     b'name="name"', b"; name=name", b"; filename*=utf-8''" + EVIL_FILE.encode(), b'; filename="' + EVIL_FILE.encode() + b'"',
     b"Content-Disposition: form-data", b"Content-Type: multipart/mixed; boundary=x", b"Content-Transfer-Encoding: base64",
     MARK, MARK + b"--", CRLF + MARK + CRLF, b"\n" + MARK + b"\n", CRLF + MARK + b"--" + CRLF, EVIL.encode(), EVIL_FILE.encode(),
     b"\xe2\x84\xaa", b"acme", b"plain", b"+", b"&", b"[]", field("name", EVIL), file(EVIL_FILE), b":action"]
)  # fmt: skip
PARTS = st.one_of(
    st.sampled_from([field("name", PLAIN), field("name", EVIL), file(PLAIN_FILE), file(EVIL_FILE), field(":action", "submit")]),
    st.builds(field, st.sampled_from(["name", "version", "Name", "project", "summary", "name[]"]), st.sampled_from([PLAIN, EVIL, ""])),
    st.builds(
        part,
        st.sampled_from(["Content-Disposition: form-data; ", "content-disposition: form-data; ", ""]).flatmap(
            lambda start: st.lists(
                st.sampled_from(['name="name"', "name=name", 'name="content"', f'filename="{EVIL_FILE}"', f"filename={PLAIN_FILE}",
                                 "name*=utf-8''name", "filename*=utf-8''" + EVIL_FILE, f'filename="{PLAIN_FILE}"']),
                min_size=1,
                max_size=4,
            ).map(lambda parameters: start + "; ".join(parameters))
        ),
        st.sampled_from([EVIL, PLAIN]),
    ),
)  # fmt: skip


def check(body: bytes, content_type: str = form_type(), **more: Any) -> str:
    """Send it through the guard as a stranger. The invariant, whatever the status."""
    guard, index, _ = guarded()
    answer = call(guard, environ_of(body, content_type, **more))
    for seen in index.seen:
        assert seen.body == body
        assert reserved_names(seen) == []
    assert answer.status[:3] in ("200", "400", "409", "411", "413", "415")
    assert bool(index.seen) == answer.status.startswith("200")
    return answer.status


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """Some bytes cut out, flipped, doubled, or replaced by what means something."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = start + draw(st.integers(0, 12))
        change = draw(st.one_of(TOKENS, st.binary(max_size=3), st.just(body[start : start + 60] * 2), st.just(b"")))
        body = body[:start] + change + body[end:]
    return body


@FUZZED
@given(st.data(), st.lists(PARTS, min_size=1, max_size=6))
def test_recombined_parts(data: st.DataObject, parts: list[bytes]):
    check(multipart(parts))


@FUZZED
@given(st.data(), st.lists(PARTS, min_size=1, max_size=4))
def test_damaged_parts(data: st.DataObject, parts: list[bytes]):
    check(data.draw(damaged(multipart(parts))))


@FUZZED
@given(st.data())
def test_damaged_plain_uploads(data: st.DataObject):
    check(data.draw(damaged(multipart([field(":action", "file_upload"), field("name", PLAIN), file(PLAIN_FILE)]))))


@FUZZED
@given(st.data(), st.sampled_from(CAPTURED))
def test_damaged_uploads_of_real_tools(data: st.DataObject, request: bytes):
    """Their project is reserved; only where its name was damaged out of the namespace may they pass."""
    head, _, body = request.partition(b"\r\n\r\n")
    content_type = re.search(rb"(?i)content-type: (.*)", head)[1].decode().strip()  # type: ignore[index]  # it is there
    check(data.draw(damaged(body)), content_type)


@FUZZED
@given(st.data(), st.sampled_from(CAPTURED))
def test_spliced_uploads_of_real_tools(data: st.DataObject, request: bytes):
    """An honest file of another project with a part or two of a reserved one's somewhere among its own."""
    head, _, body = request.partition(b"\r\n\r\n")
    boundary = re.search(rb"boundary=(\S+)", head)[1]  # type: ignore[index]  # it is there
    body = re.sub(rb"(?i)acme[._-]widgets", b"plain", body)
    parts = body.split(b"--" + boundary + CRLF)
    parts.insert(
        data.draw(st.integers(1, len(parts))), data.draw(PARTS) + data.draw(st.sampled_from([CRLF, b"\n", b""]))
    )
    check((b"--" + boundary + CRLF).join(parts), f"multipart/form-data; boundary={boundary.decode()}")


@FUZZED
@given(st.data())
def test_damaged_media_types(data: st.DataObject):
    content_type = data.draw(damaged(form_type().encode())).decode("latin-1")
    check(multipart([field("name", EVIL), file(EVIL_FILE)]), content_type)


@FUZZED
@given(st.data(), st.sampled_from([b":action=submit&name=plain&version=1.0&x=%41+b", b"project=plain"]))
def test_damaged_pairs(data: st.DataObject, body: bytes):
    check(data.draw(damaged(body)), "application/x-www-form-urlencoded")


@FUZZED
@given(st.data(), st.sampled_from([b'{"name": "plain", "info": {"x": [1, "acme"]}}', b'[{"project": "plain"}]']))
def test_damaged_documents(data: st.DataObject, body: bytes):
    check(data.draw(damaged(body)), "application/json")


JSON = st.recursive(
    st.one_of(st.none(), st.integers(), st.sampled_from([PLAIN, EVIL, EVIL_FILE, "acme\u212a"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["name", "Name", "project", "filename", "x", "name "]), inner, max_size=3),
    ),
    max_leaves=8,
)


@FUZZED
@given(JSON)
def test_any_document(document: Any):
    import json

    check(json.dumps(document).encode(), "application/json")


@FUZZED
@given(
    st.sampled_from(["PUT", "POST", "DELETE", "get", "PATCH"]),
    st.text(st.sampled_from("name=acme-&;:%61+[]xN\x00 \u0101"), max_size=30),
    st.sampled_from(["/", "/login", "//login", "/login/..", "/x"]),
)
def test_any_query(method: str, query: str, path: str):
    query = query.encode().decode("latin-1")
    check(multipart([field("name", PLAIN)]), REQUEST_METHOD=method, QUERY_STRING=query, PATH_INFO=path)
