"""The strict parser: one spelling, fed in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold_client.guard.errors import Unacceptable
from freehold_client.guard.multipart import MultipartParser, Part, boundary_of
from guard.made import BOUNDARY, field, file, form_type, multipart, upload

BODY = multipart([field("name", "plain"), file("plain-1.zip", b"\r\n--8dcb\r\n\r\n" * 3), field("empty", "")])
PARTS = [
    (Part("name", None), b"plain"),
    (Part("content", "plain-1.zip"), b"\r\n--8dcb\r\n\r\n" * 3),
    (Part("empty", None), b""),
]


class Collector:
    """Keeps all parts."""

    def __init__(self) -> None:
        self.parts: list[tuple[Part, bytes]] = []
        self._part: Part | None = None
        self._data = b""

    def begin(self, part: Part) -> None:
        assert self._part is None
        self._part, self._data = part, b""

    def data(self, chunk: bytes) -> None:
        assert chunk
        self._data += chunk

    def end(self) -> None:
        assert self._part is not None
        self.parts.append((self._part, self._data))
        self._part = None


def parse(body: bytes, cuts: list[int] | None = None, boundary: bytes = BOUNDARY) -> list[tuple[Part, bytes]]:
    collector = Collector()
    parser = MultipartParser(boundary, collector)
    ends = sorted({0, len(body), *(cuts or [])})
    for start, end in zip(ends, ends[1:]):
        parser.feed(body[start:end])
    parser.close()
    return collector.parts


def test_a_body():
    assert parse(BODY) == PARTS


def test_a_body_byte_by_byte():
    assert parse(BODY, list(range(len(BODY)))) == PARTS


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_a_body_in_any_pieces(cuts: list[int]):
    assert parse(BODY, cuts) == PARTS


@given(
    st.lists(st.tuples(st.from_regex("[a-z]{1,9}", fullmatch=True), st.binary(max_size=300)), min_size=1, max_size=5)
)
def test_what_goes_in_comes_out(fields: list[tuple[str, bytes]]):
    body = multipart([field(name, value) for name, value in fields])
    assert parse(body) == [(Part(name, None), value) for name, value in fields]


@pytest.mark.parametrize("end", range(0, len(BODY), 7))
def test_a_part_of_a_body_is_none(end: int):
    with pytest.raises(Unacceptable):
        parse(BODY[:end])


def outcome(body: bytes, cuts: list[int]) -> object:
    try:
        return parse(body, cuts)
    except Unacceptable:
        return "refused"


@given(st.data())
def test_pieces_make_no_difference_to_a_damaged_body(data: st.DataObject):
    place = data.draw(st.integers(0, len(BODY) - 1))
    body = BODY[:place] + data.draw(st.binary(max_size=4)) + BODY[place + data.draw(st.integers(0, 4)) :]
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=5))
    assert outcome(body, cuts) == outcome(body, [])


@given(st.data())
def test_what_is_accepted_is_canonical(data: st.DataObject):
    """Parsed and put together again, a body is the same: nothing in it was skipped or taken for something else."""
    body = multipart(upload())
    place = data.draw(st.integers(0, len(body) - 1))
    body = (
        body[:place]
        + data.draw(st.sampled_from([b"\r", b"\n", b"-", b'"', b" ", b";", b"\0", b""]))
        + body[place + 1 :]
    )
    try:
        parts = parse(body)
    except Unacceptable:
        return
    plain = [
        field(part.name, value) if part.filename is None else file(part.filename, value, part.name)
        for part, value in parts
    ]
    assert multipart(plain) == body or b"Content-Type" in body


@pytest.mark.parametrize("boundary", ["x", "----formdata-ureq-882be2d3", "a" * 70, "8.b_c-d"])
def test_boundaries(boundary: str):
    assert boundary_of(f"multipart/form-data; boundary={boundary}") == boundary.encode()
    assert boundary_of(f"multipart/form-data;boundary={boundary}") == boundary.encode()


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a-", "-", '"a"', "a b", "a;b", "a,b", "a=b", "ä", "a\n", "\u212a"])
def test_no_boundaries(boundary: str):
    with pytest.raises(Unacceptable):
        boundary_of(f"multipart/form-data; boundary={boundary}")


def test_boundary_of_our_own_type():
    assert boundary_of(form_type()) == BOUNDARY
