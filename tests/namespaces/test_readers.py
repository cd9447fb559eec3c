"""Catalogues are read as they are met in the wild, and broken ones are told so."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from namespaces.readers import MAX_LINE, BadLine, Format, Row, UnreadableFile, read

MOMENT = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
ROWS = [Row("acme-widgets", "acme", MOMENT), Row("bolt", "user:Bob", None), Row("cog", "", MOMENT)]

TSV = b"""\
name\tsummary\towner\tfirst_uploaded
Acme.Widgets\tA "quoted word\tACME\t2021-03-04T05:06:07Z
bolt\t\tuser:Bob\t
cog\t\t\t2021-03-04T06:06:07+01:00
"""
CSV = b"""\
name,summary,owner,first_uploaded
Acme.Widgets,"a, ""b""
and c",ACME,2021-03-04T05:06:07Z
bolt,,user:Bob,
cog,,,2021-03-04 05:06:07z
"""
NDJSON = b"""\
{"name": "Acme.Widgets", "owner": "ACME", "first_uploaded": "2021-03-04T05:06:07Z", "rank": 1}
{"name": "bolt", "owner": "user:Bob", "first_uploaded": null}

{"name": "cog", "first_uploaded": "2021-03-04t05:06:07.000Z", "owner": ""}
"""
PROJECTS = [{"name": "Acme.Widgets", "_last-serial": 3}, {"name": "bolt"}]
DOCUMENT = json.dumps({"meta": {"api-version": "1.4"}, "projects": PROJECTS}).encode()


def rows(content: bytes, form: Format | None = None) -> list[Row | BadLine]:
    return list(read(io.BytesIO(content), form))


def one(line: str, columns: str = "name\towner\tfirst_uploaded") -> Row | BadLine:
    (only,) = rows(f"{columns}\n{line}\n".encode())
    return only


@pytest.mark.parametrize("content", [TSV, CSV, NDJSON], ids=["tsv", "csv", "ndjson"])
class TestEveryLineFormat:
    def test_is_recognized(self, content: bytes):
        assert rows(content) == ROWS

    def test_is_unpacked(self, content: bytes):
        assert rows(gzip.compress(content)) == ROWS

    def test_may_come_in_several_gzip_members(self, content: bytes):
        assert rows(gzip.compress(content[:40]) + gzip.compress(content[40:])) == ROWS

    def test_may_begin_with_a_byte_order_mark(self, content: bytes):
        assert rows(b"\xef\xbb\xbf" + content) == ROWS
        assert rows(gzip.compress(b"\xef\xbb\xbf" + content)) == ROWS

    def test_may_have_dos_line_ends(self, content: bytes):
        assert rows(content.replace(b"\n", b"\r\n")) == ROWS

    def test_may_lack_the_last_line_end_and_have_empty_lines(self, content: bytes):
        assert rows(content.rstrip()) == ROWS
        assert rows(b"\n" + content + b"\n\r\n") == ROWS

    def test_comes_in_drops_through_a_pipe(self, content: bytes):
        class Dripping(io.RawIOBase):
            def __init__(self) -> None:
                self.rest = io.BytesIO(content)

            def readable(self) -> bool:
                return True

            def readinto(self, buffer) -> int:
                drop = self.rest.read(3)
                buffer[: len(drop)] = drop
                return len(drop)

        assert list(read(io.BufferedReader(Dripping()))) == ROWS


class TestProjectList:
    names = [Row("acme-widgets"), Row("bolt")]

    @pytest.mark.parametrize("indent", [None, 2], ids=["one line", "indented"])
    def test_is_recognized(self, indent: int | None):
        document = json.dumps({"meta": {"name": "no project"}, "projects": PROJECTS}, indent=indent).encode()
        for content in (document, document + b"\n", b"\xef\xbb\xbf" + document, gzip.compress(document)):
            assert rows(content) == self.names

    def test_in_one_long_line_is_recognized(self):
        many = [{"name": f"p{number}"} for number in range(20_000)]
        assert len(rows(json.dumps({"projects": many, "meta": {}}).encode())) == 20_000

    def test_bad_entries_are_counted_by_project(self):
        document = json.dumps({"projects": [{"name": "a"}, "b", {"name": "-"}, {"name": "c"}]}).encode()
        good, second, third, last = rows(document)
        assert (good, last) == (Row("a"), Row("c"))
        assert isinstance(second, BadLine) and isinstance(third, BadLine)
        assert (second.place, third.place) == ("project 2", "project 3")

    @pytest.mark.parametrize("content", [b'{"meta": {}, "projects": []}', b'{"projects": {"a": 1}}', b"[1, 2]", b"[]"])
    def test_without_projects_is_refused(self, content: bytes):
        with pytest.raises(UnreadableFile, match="no list 'projects'"):
            rows(content)

    def test_cut_off_is_refused_after_what_could_be_read(self):
        reading = read(io.BytesIO(DOCUMENT[:-10]))
        assert next(reading) == Row("acme-widgets")
        with pytest.raises(UnreadableFile, match="The JSON is damaged or cut off after project 1: "):
            list(reading)


class TestHeader:
    def test_columns_stand_in_any_order_and_case(self):
        assert one("acme\t2021-03-04\twidget", "Owner\tFirst_Uploaded\t Name ") == Row(
            "widget", "acme", datetime(2021, 3, 4, tzinfo=UTC)
        )

    def test_the_name_alone_is_enough(self):
        assert rows(b"name\nA\nb") == [Row("a"), Row("b")]

    @pytest.mark.parametrize("content", [b"project\towner\nacme\t\n", b"acme\nbolt\n", b"<!DOCTYPE html>\n", b"\0\1\2"])
    def test_without_a_name_is_refused(self, content: bytes):
        with pytest.raises(UnreadableFile, match="one of them must be 'name'"):
            rows(content)

    def test_with_a_column_twice_is_refused(self):
        with pytest.raises(UnreadableFile, match="twice"):
            rows(b"name,owner,Name\na,b,c\n")

    def test_a_format_given_overrides_what_it_looks_like(self):
        assert rows(b'name\n"quoted"\n', Format.CSV) == [Row("quoted")]
        assert isinstance(rows(b'name\n"quoted"\n')[0], BadLine)
        assert rows(b'{"name": "a"}\n{"name": "b"}', Format.NDJSON) == [Row("a"), Row("b")]


class TestValues:
    @pytest.mark.parametrize(
        "name",
        ["", " ", "-a", "a-", "a b", "\N{KELVIN SIGN}it", "k\N{KELVIN SIGN}", "é", "a\x00b", "a" * 201, "a\u2028b"],
    )
    def test_what_is_no_name_is_a_bad_line(self, name: str):
        bad = one(f"{name}\tacme\t")
        assert isinstance(bad, BadLine) and bad.place == "line 2"
        (bad,) = rows(json.dumps({"name": name}).encode())
        assert isinstance(bad, BadLine)

    @pytest.mark.parametrize("end", ["\\n", "\\r", "\\u0085", "\\u2028", "\\u0000", "\\ud800"])
    def test_a_trailing_newline_is_no_part_of_a_name(self, end: str):
        (bad,) = rows(b'{"name": "acme%s"}' % end.encode())
        assert isinstance(bad, BadLine)

    def test_the_longest_name_passes(self):
        assert one("a" * 200 + "\t\t") == Row("a" * 200)

    @pytest.mark.parametrize(
        ("text", "owner"), [("Acme_Inc", "acme-inc"), ("user:Bob_1", "user:Bob_1"), ("user:" + "a" * 115, None)]
    )
    def test_owners(self, text: str, owner: str | None):
        assert one(f"a\t{text}\t") == Row("a", owner or text)

    @pytest.mark.parametrize(
        "text", ["user:", "team:x", "a b", "user:" + "a" * 116, "a" * 121, "user:\x7f", "user:a b", " "]
    )
    def test_what_is_no_owner_is_a_bad_line(self, text: str):
        assert isinstance(one(f"a\t{text}\t"), BadLine)

    @pytest.mark.parametrize(
        "text",
        ["2021", "2021-3-4", "20210304", "2021-W09-4", "2021-03-04T05:06:07", "2021-03-04T05:06Z", "2021-02-30",
         "2021-03-04T24:00:01Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "٢٠٢١-03-04", "1614834367",
         "2021-03-04T05:06:07+99:00", "2021-03-04 ", "yesterday"],
    )  # fmt: skip
    def test_what_is_no_time_is_a_bad_line(self, text: str):
        bad = one(f"a\t\t{text}")
        assert isinstance(bad, BadLine) and "2021-03-04T05:06:07Z" in bad.reason

    @pytest.mark.parametrize("field", ["name", "owner", "first_uploaded"])
    @pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": 1}])
    def test_a_key_of_another_type_is_a_bad_line(self, field: str, value: object):
        (bad,) = rows(json.dumps({"name": "a", field: value}).encode())
        assert isinstance(bad, BadLine)

    def test_reasons_are_short(self):
        bad = one("a\t" + "!" * 100_000 + "\t")
        assert isinstance(bad, BadLine) and len(bad.reason) < 310


class TestBadLines:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_have_the_line_numbers_of_an_editor(self, end: str):
        content = end.join(["", "name,owner", "a,", '"multi', 'line",', "b,", "", "-,", 'c,"x"y', "d,e,f", "g,"])
        found = rows(content.encode())
        assert [line.place for line in found if isinstance(line, BadLine)] == [
            "line 4", "line 8", "line 9", "line 10",
        ]  # fmt: skip
        assert [line.name for line in found if isinstance(line, Row)] == ["a", "b", "g"]

    def test_have_them_in_ndjson_too(self):
        found = rows(b'{"name": "a"}\n\n{"name": \n[1]\nnull\n' + b"[" * 100_000 + b'\n{"name": "b"}\n')
        assert [line.place for line in found if isinstance(line, BadLine)] == ["line 3", "line 4", "line 5", "line 6"]
        assert found[-1] == Row("b")

    def test_a_broken_first_line_does_not_hide_ndjson(self):
        assert [type(line) for line in rows(b'{"name": "a"\n{"name": "b"}\n')] == [BadLine, Row]

    def test_a_line_that_was_cut_off_is_one(self):
        assert isinstance(one("acme\t2021-0", "name\tfirst_uploaded\trank"), BadLine)

    def test_what_is_not_utf_8_spoils_a_line_only_where_it_matters(self):
        found = rows(b"name\tsummary\towner\na\tcaf\xe9\t\nb\xe9\t\t\nc\t\tuser:\xe9\nd\t\t\n")
        assert [type(line) for line in found] == [Row, BadLine, BadLine, Row]

    def test_a_quote_that_is_never_closed_is_one(self):
        found = rows(b'name\na\n"b\n' + b"c\n" * 100, Format.CSV)
        assert found[0] == Row("a")
        assert isinstance(found[1], BadLine) and found[1].place == "line 3"


class TestUnreadableFiles:
    @pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
    def test_empty(self, content: bytes):
        with pytest.raises(UnreadableFile):
            rows(content)

    def test_utf_16(self):
        with pytest.raises(UnreadableFile, match="UTF-8"):
            rows("name\nacme\n".encode("utf-16"))

    @pytest.mark.parametrize("content", [TSV, DOCUMENT], ids=["lines", "document"])
    def test_damaged_gzip(self, content: bytes):
        packed = gzip.compress(content)
        for broken in (packed[:-9], packed[:15], packed[:-8] + b"12345678", packed + b"garbage", packed[:3]):
            with pytest.raises(UnreadableFile, match="gzip"):
                rows(broken)

    def test_damaged_gzip_gives_what_could_be_read(self):
        lines = b"name\n" + b"".join(b"project%d\n" % (number * 7919 % 10_007) for number in range(100_000))
        reading = read(io.BytesIO(gzip.compress(lines)[:-1000]))
        assert next(reading) == Row("project0")
        with pytest.raises(UnreadableFile, match="damaged or cut off"):
            list(reading)

    def test_a_line_without_end(self):
        with pytest.raises(UnreadableFile, match="Line 2 is longer"):
            rows(b"name\n" + b"a" * MAX_LINE)

    def test_a_disk_that_fails(self):
        class Failing(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError(5, "Input/output error")

        with pytest.raises(UnreadableFile, match=r"cannot be read: Input/output error\."):
            list(read(Failing()))


def test_reading_does_not_grow_with_the_file():
    """A gzipped gigabyte of names is read in the memory of a small file."""

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            buffer[:] = (b"name\n" * (len(buffer) // 5 + 1))[: len(buffer)]
            return len(buffer) // 5 * 5

    tracemalloc.start()
    try:
        assert sum(1 for _ in islice(read(io.BufferedReader(Endless())), 50_000)) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """The content with a piece of it replaced by anything."""
    at, piece = st.integers(0, len(content)), st.binary(max_size=20)
    return st.builds(
        lambda start, end, new: content[: min(start, end)] + new + content[max(start, end) :], at, at, piece
    )


CONTENT = st.one_of(
    st.binary(),
    st.text(alphabet='name,ownerfi_std\t\n\r"{}[]:\\\x00\u212a\ud800 1-', min_size=1).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    ),
    *(mutated(content) for content in (TSV, CSV, NDJSON, DOCUMENT, gzip.compress(TSV), gzip.compress(DOCUMENT))),
)


def complaint(content: bytes, form: Format | None) -> str:
    """The sentence that reading ends with, if it does."""
    try:
        for line in read(io.BytesIO(content), form):
            assert isinstance(line, Row | BadLine)
            "".join(line[:2]).encode()  # what no database takes is not let through
            assert "\n" not in line[1] and "\x00" not in line[1]
    except UnreadableFile as error:
        return str(error)
    return "."


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=CONTENT, form=st.sampled_from([None, *Format]))
def test_any_bytes_give_rows_and_bad_lines_or_one_sentence(content: bytes, form: Format | None):
    sentence = complaint(content, form)
    assert sentence.endswith(".") and "\n" not in sentence


LINE = st.builds(
    Row,
    st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(lambda name: len(name) <= 200),
    st.one_of(st.just(""), st.from_regex(r"user:[!-~]{1,20}", fullmatch=True)),
    st.one_of(st.none(), st.datetimes(min_value=datetime(2003, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001 -- the strategy adds the zone
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(wanted=st.lists(LINE, min_size=1))
def test_what_is_written_is_read_in_each_format(wanted: list[Row]):
    table = [("name", "owner", "first_uploaded"), *((n, o, t.isoformat() if t else "") for n, o, t in wanted)]
    tsv = "\n".join("\t".join(cells) for cells in table)
    csv = "\n".join(",".join('"{}"'.format(cell.replace('"', '""')) for cell in cells) for cells in table)
    objects = [dict(zip(table[0], cells, strict=True)) for cells in table[1:]]
    ndjson = "\n".join(json.dumps(value) for value in objects)
    document = json.dumps({"projects": objects})
    assert [rows(text.encode()) for text in (tsv, csv, ndjson, document)] == [wanted] * 4
