"""The makers of the word list and of the labelled claims."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from bench.claims import make_labelled, make_words, stories, world
from bench.claims.world import Ownership, World
from namespaces.policy.inputs import Likeness, Whose

HEADER = "name\tversion\tmonth\trank_among_most_downloaded\tsummary\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    rows = [f"acme-{number}\t1\t2024-05\t{number}\tThe parser" for number in range(12)]
    rows += ["acme\t1\t2024-05\t3\tA parser", "Zeta\t1\t\t0\tA Django thing"]
    path = tmp_path / "catalogue.tsv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


class TestWords:
    @pytest.mark.parametrize(
        ("name", "summary", "words"),
        [
            ("acme", "Parser of a JSON web/server for data", {"for", "data"}),
            ("my-data", "A tool for data", {"tool", "for"}),
            ("acme", "A Django app, and its parser.", {"Django", "app", "and", "its", "parser"}),
            ("acme", "", set()),
        ],
    )
    def test_of_a_summary(self, name: str, summary: str, words: set[str]) -> None:
        assert make_words.words_of(name, summary) == words

    def test_names_of_things_and_rare_words_are_left_out(self) -> None:
        rows = [("a", "x parser Django")] * 9 + [("b", "x django seldom")] * 7
        assert make_words.count(rows) == {"parser": 9}

    def test_the_file(self, catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        output = tmp_path / "words.tsv.gz"
        assert make_words.main([str(catalogue), str(output)]) == 0
        assert capsys.readouterr().out == "1 words\n"
        assert gzip.decompress(output.read_bytes()) == b"word\tprojects\nparser\t13\n"


class TestWorld:
    def test_a_story_is_counted(self, catalogue: Path) -> None:
        known = World(catalogue)
        story = Ownership(own=frozenset({"acme", "acme-1"}), unknown=frozenset({"acme-2"}), fresh=1)
        found = known.facts("acme", story)
        assert (found.own, found.outside, found.unknown, found.namesake) == (3, 10, 1, Whose.APPLICANT)
        assert found.outside_owners == 7
        assert found.own_first and found.own_first < world.TODAY

    def test_what_is_near_is_found(self, catalogue: Path) -> None:
        (found,) = World(catalogue).near("acne", frozenset(), {"acne": "me"}, "me") or (None,)
        assert found is None  # four letters have neighbours everywhere
        (found,) = World(catalogue).near("acrne", frozenset(), {}, "me")
        assert found and (found.name, found.likeness, found.projects) == ("acme", Likeness.FOLDED, 13)


class TestLabelled:
    def test_the_file_is_the_same_each_time(self, catalogue: Path, tmp_path: Path) -> None:
        files = [tmp_path / "one.json.gz", tmp_path / "two.json.gz"]
        assert [make_labelled.main([str(catalogue), str(file)]) for file in files] == [0, 0]
        assert files[0].read_bytes() == files[1].read_bytes()
        claims = json.loads(gzip.decompress(files[0].read_bytes()))
        assert set(Counter(claim["label"] for claim in claims)) == {"grant", "look", "refuse"}

    def test_labels_are_made_without_the_engine(self) -> None:
        for module in (make_labelled, stories, world):
            text = Path(str(module.__file__)).read_text(encoding="utf-8")
            assert "policy.evaluate" not in text and "criteria" not in text and "thresholds import" not in text
