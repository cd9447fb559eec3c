"""The numbers of the policy: checked when they are read, and told in the guide as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from namespaces.policy import thresholds
from namespaces.policy.evaluation import Key
from namespaces.policy.thresholds import Thresholds

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "policy.md"


def test_the_guide_has_them_as_they_are() -> None:
    """``python manage.py shell -c "from namespaces.policy import thresholds; print(thresholds.markdown())"``."""
    assert thresholds.markdown() in GUIDE.read_text(encoding="utf-8")


def test_the_guide_names_every_criterion() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert not [key for key in Key if f"| {key.label} |" not in text]


class TestFile:
    def write(self, folder: Path, text: str) -> str:
        path = folder / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def test_it_changes_what_it_names(self, tmp_path: Path) -> None:
        found = thresholds.from_file(self.write(tmp_path, "shortest = 5\n"))
        assert found == Thresholds(shortest=5)

    def test_without_one_they_are_the_usual(self) -> None:
        assert thresholds.from_file("") == Thresholds()

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("shortset = 5", "There is no threshold 'shortset'; there are .*shortest"),
            ("shortest = 'five'", "shortest must be a whole number, not 'five'"),
            ("shortest = true", "shortest must be a whole number, not True"),
            ("shortest = 0", "shortest must be at least 1, not 0"),
            ("outside_percent = 101", "outside_percent must be from 0 to 100, not 101"),
            ("shortest = ", "Invalid value"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, text: str, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            thresholds.from_file(self.write(tmp_path, text))

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="can't be read"):
            thresholds.from_file(str(tmp_path / "none.toml"))

    @pytest.mark.slow
    def test_a_wrong_one_refuses_to_start(self, tmp_path: Path) -> None:
        wrong = self.write(tmp_path, "shortest = 0\n")
        surroundings = os.environ | {"FREEHOLD_POLICY_FILE": wrong, "DATABASE_URL": "postgresql://nowhere/none"}
        command = [sys.executable, "-c", "import freehold.settings"]
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "ImproperlyConfigured: FREEHOLD_POLICY_FILE: shortest must be at least 1, not 0." in done.stderr
