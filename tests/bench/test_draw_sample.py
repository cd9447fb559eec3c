"""Tests of the sample's script, on a made-up catalogue, and of the shipped sample."""

from __future__ import annotations

import gzip
import importlib.util
import itertools
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "bench" / "draw_sample.py"
SHIPPED = ROOT / "namespaces" / "data" / "sample.tsv.gz"
TEN = [
    "google-cloud",
    "opentelemetry",
    "apache-airflow-providers",
    "types",
    "aws-cdk",
    "azure",
    "django",
    "cupy",
    "scikit",
    "typing",
]
NORMALIZED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
UPLOADED = re.compile(r"(?:[0-9]{4}-(?:0[1-9]|1[0-2])-01T00:00:00Z)?")
RANK = re.compile(r"(?:[1-9][0-9]*)?")
COLUMNS = "name\tversion\tmonth\trank_of_many\tsummary\n"
COVERED = sorted([*TEN, *(f"{prefix}-part" for prefix in TEN)])


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_sample_under_test", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


draw_sample = load_script()


def row(name: str, month: str = "2021-03", rank: str = "") -> str:
    return f'{name}\t1.0\t{month}\t{rank}\ta "quoted text\n'


def unpack(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in gzip.decompress(path.read_bytes()).decode("ascii").splitlines()]


def drawn(tmp_path: Path, body: str, size: int, header: str = COLUMNS) -> list[list[str]]:
    """Draw from a catalogue and return the sample's rows, without the header."""
    (tmp_path / "catalogue.tsv").write_bytes((header + body).encode())
    output = tmp_path / "sample.tsv.gz"
    assert draw_sample.main([str(tmp_path / "catalogue.tsv"), str(output), "--size", str(size)]) == 0
    rows = unpack(output)
    assert rows[0] == ["name", "first_uploaded", "rank"]
    return rows[1:]


def drawn_names(tmp_path: Path, body: str, size: int) -> list[str]:
    return [fields[0] for fields in drawn(tmp_path, body, size)]


def made_up() -> str:
    names = [*COVERED, *(f"other{number:03}" for number in range(100))]
    return "".join(row(name) for name in reversed(names))


def test_every_name_in_the_namespaces_is_taken(tmp_path: Path) -> None:
    assert drawn_names(tmp_path, made_up(), 20) == COVERED


def test_the_ten_namespaces() -> None:
    assert sorted(draw_sample.PREFIXES) == sorted(TEN)


def test_the_rest_is_drawn_evenly(tmp_path: Path) -> None:
    others = [name for name in drawn_names(tmp_path, made_up(), 30) if name.startswith("other")]
    assert others == [f"other{number:03}" for number in range(0, 100, 10)]


def test_an_uneven_step_still_reaches_the_size(tmp_path: Path) -> None:
    names = drawn_names(tmp_path, made_up(), 20 + 67)
    places = [int(name[5:]) for name in names if name.startswith("other")]
    steps = {later - earlier for earlier, later in itertools.pairwise(places)}
    assert len(names) == 87 and steps == {1, 2}


def test_a_size_above_the_catalogue_takes_all(tmp_path: Path) -> None:
    assert len(drawn_names(tmp_path, made_up(), 1000)) == 120


@pytest.mark.parametrize("prefix", TEN)
def test_a_longer_word_is_not_in_the_namespace(prefix: str) -> None:
    assert draw_sample.is_covered(prefix) and draw_sample.is_covered(f"{prefix}-x")
    assert not draw_sample.is_covered(f"{prefix}x") and not draw_sample.is_covered(f"x-{prefix}")


def test_a_longer_word_is_not_drawn_with_the_namespace(tmp_path: Path) -> None:
    body = row("djangorestframework") + row("django") + row("django.x")
    assert drawn_names(tmp_path, body, 2) == ["django", "django-x"]


def test_the_popular_take_half_of_the_room(tmp_path: Path) -> None:
    ranked = [row("zz-third", rank="3"), row("zz-first", rank="1"), row("zz-second", rank="2")]
    names = drawn_names(tmp_path, made_up() + "".join(ranked) + row("zz-none", rank="0"), 24)
    assert sorted(set(names) - set(COVERED)) == ["other000", "other051", "zz-first", "zz-second"]


@pytest.mark.parametrize(
    "name",
    ["", "bad\n", "bad\r", "\u212aelvin", "caf\u00e9", "-bad", "bad-", ".bad", "ba d", "ba\u0661d", "a/b"],
)
def test_the_packaging_rule_refuses(name: str) -> None:
    assert not draw_sample.is_valid_name(name)


@pytest.mark.parametrize("name", ["a", "7", "ab", "A.b_c-d", "a--b", "0-0"])
def test_the_packaging_rule_allows(name: str) -> None:
    assert draw_sample.is_valid_name(name)


def test_invalid_and_repeated_names_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "".join(row(name) for name in ["good", "\u212aelvin", "bad-", "bad\r", "Goo__d", "goo.D"])
    assert drawn_names(tmp_path, body, 9) == ["goo-d", "good"]
    assert "read 2 names; skipped 3 invalid and 1 repeated" in capsys.readouterr().out


def test_a_name_field_is_never_trimmed(tmp_path: Path) -> None:
    assert drawn_names(tmp_path, row(" spaced") + row("spaced ") + row("kept"), 9) == ["kept"]


def test_bytes_that_are_not_utf_8_are_an_invalid_name(tmp_path: Path) -> None:
    catalogue, output = tmp_path / "catalogue.tsv", tmp_path / "sample.tsv.gz"
    catalogue.write_bytes(b"name\nb\xffd\ngood\n")
    assert draw_sample.main([str(catalogue), str(output)]) == 0
    assert unpack(output)[1:] == [["good", "", ""]]


def test_month_and_rank(tmp_path: Path) -> None:
    body = row("a", "2021-03", "12") + row("b", "", "0") + row("c", "2021-13", "-1") + row("d", "2020-12", "x")
    assert drawn(tmp_path, body, 9) == [
        ["a", "2021-03-01T00:00:00Z", "12"],
        ["b", "", ""],
        ["c", "", ""],
        ["d", "2020-12-01T00:00:00Z", ""],
    ]


def test_month_and_rank_may_be_missing_and_columns_in_any_order(tmp_path: Path) -> None:
    assert drawn(tmp_path, "one\r\n\r\ntwo\r\n", 9, header="name\r\n") == [["one", "", ""], ["two", "", ""]]
    rows = drawn(tmp_path, "4\tone\n5\ttwo\t2019-01\n", 9, header="rank\tname\tmonth\n")
    assert rows == [["one", "", "4"], ["two", "2019-01-01T00:00:00Z", "5"]]


def test_the_same_catalogue_gives_the_same_bytes(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.tsv"
    outputs = [tmp_path / "one.tsv.gz", tmp_path / "two.tsv.gz"]
    for output, body in zip(outputs, [made_up(), "".join(sorted(made_up().splitlines(True)))], strict=True):
        catalogue.write_text(COLUMNS + body)
        assert draw_sample.main([str(catalogue), str(output), "--size", "50"]) == 0
    one, two = (output.read_bytes() for output in outputs)
    assert one == two
    assert one[3:8] == bytes(5)  # gzip's flags (no file name) and its time


def test_no_name_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "catalogue.tsv").write_text("title\nx\n")
    assert draw_sample.main([str(tmp_path / "catalogue.tsv"), str(tmp_path / "out")]) == 1
    assert 'no column "name"' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_size_too_small_for_the_namespaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "catalogue.tsv").write_text(COLUMNS + made_up())
    assert draw_sample.main([str(tmp_path / "catalogue.tsv"), str(tmp_path / "out"), "--size", "19"]) == 1
    assert "hold 20 names" in capsys.readouterr().err


def test_help_from_the_shell() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    assert "CATALOGUE OUTPUT" in done.stdout and "upper bound" in done.stdout


@pytest.fixture(scope="module")
def shipped() -> list[list[str]]:
    return unpack(SHIPPED)


def test_shipped_rows(shipped: list[list[str]]) -> None:
    assert shipped[0] == ["name", "first_uploaded", "rank"]
    bad = [fields for fields in shipped[1:] if len(fields) != 3 or not is_sound(*fields)]
    assert bad == []


def is_sound(name: str, uploaded: str, rank: str) -> bool:
    checks = zip((NORMALIZED, UPLOADED, RANK), (name, uploaded, rank), strict=True)
    return all(pattern.fullmatch(text) for pattern, text in checks)


def test_shipped_names_are_many_unique_and_sorted(shipped: list[list[str]]) -> None:
    names = [fields[0] for fields in shipped[1:]]
    assert len(names) >= 30_000
    assert names == sorted(set(names))


@pytest.mark.parametrize("prefix", TEN)
def test_shipped_names_in_each_namespace(shipped: list[list[str]], prefix: str) -> None:
    assert any(fields[0].startswith(f"{prefix}-") for fields in shipped[1:])


def test_shipped_file_holds_no_time_or_name() -> None:
    assert SHIPPED.read_bytes()[3:8] == bytes(5)
