"""Rules of the house that no linter knows: how long things are, what is explained, what must not be in a file."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import call_command

HOUSE = Path(__file__).resolve().parent.parent
PRODUCT = ("accounts", "billing", "client/src", "freehold", "namespaces", "orgs", "review")
FUNCTION_LINES, MEDIAN_LINES, MODULE_LINES = 50, 8, 400

# Imports that stand in a function, as "path: function", with the reason. There are to be none.
HIDDEN_IMPORTS: dict[str, str] = {
    "billing/apps.py: ready": "models can't be imported before every app is loaded",
    "namespaces/apps.py: ready": "system checks are registered when every app is loaded, and not before",
    "orgs/apps.py: ready": "models can't be imported before every app is loaded",
    "review/apps.py: ready": "models can't be imported before every app is loaded",
}

# Put together here, so that this file does not hold what it forbids.
FORBIDDEN = [
    "/wo" + "rk/",
    "/opt/" + "pypi",
    "/opt/" + "wheels",
    "file:" + "///",
    "pypi" + ".org",
    "python" + "hosted",
]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def ours() -> tuple[Path, ...]:
    """Every file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = {HOUSE / name for name in listed.stdout.split("\0") if name}
    return tuple(sorted(path for path in found if path.is_file()))


def python(*folders: str) -> list[Path]:
    """Our modules under these folders, or all; without migrations, which are written by Django."""
    modules = [path for path in ours() if path.suffix == ".py" and "migrations" not in path.parts]
    return [path for path in modules if not folders or name_of(path).startswith(tuple(f"{f}/" for f in folders))]


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def functions(*folders: str) -> Iterator[tuple[str, Function]]:
    """Every function with a name to report it by."""
    for path in python(*folders):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield f"{name_of(path)}: {node.name}", node


def length(function: Function) -> int:
    """From "def" to its last line; decorators do not count, a docstring does."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


class TestLengths:
    def test_no_function_is_longer_than_a_screen(self) -> None:
        long = {name: length(node) for name, node in functions(*PRODUCT) if length(node) > FUNCTION_LINES}
        assert not long

    def test_most_functions_are_short(self) -> None:
        assert statistics.median(length(node) for _, node in functions(*PRODUCT)) <= MEDIAN_LINES

    def test_no_module_is_a_book(self) -> None:
        lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python(*PRODUCT)}
        assert not {name: count for name, count in lines.items() if count > MODULE_LINES}


class TestAnnotations:
    def test_every_function_says_what_it_takes_and_gives(self) -> None:
        assert not [name for name, node in functions(*PRODUCT) if not is_annotated(node)]


def is_annotated(function: Function) -> bool:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    if named and named[0].arg in {"self", "cls"}:
        named = named[1:]
    rest = [arguments.vararg, arguments.kwarg]
    everything = [*named, *arguments.kwonlyargs, *(argument for argument in rest if argument)]
    return function.returns is not None and all(argument.annotation for argument in everything)


class TestImports:
    def test_none_is_hidden_in_a_function(self) -> None:
        hidden = {
            name
            for name, node in functions(*PRODUCT)
            if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
        }
        assert hidden == set(HIDDEN_IMPORTS)


class TestExplanations:
    """Whoever switches a check off says why."""

    SWITCHED_OFF = re.compile(r"#\s*(?P<what>noqa|type:\s*ignore|pragma:\s*no cover|fmt:\s*off)(?P<rest>.*)")
    EXPLAINED = {
        "noqa": re.compile(r":\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*\s+--?\s+\S.{5,}"),
        "type": re.compile(r"\[[a-z-]+(,\s*[a-z-]+)*\]\s+#\s+\S.{5,}"),
    }

    def comments(self) -> Iterator[tuple[str, re.Match[str]]]:
        for path in python():
            if path == Path(__file__):
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if found := self.SWITCHED_OFF.search(line):
                    yield f"{name_of(path)}:{number}", found

    def test_every_one_names_its_rule_and_its_reason(self) -> None:
        unexplained = [
            where
            for where, found in self.comments()
            if not (rule := self.EXPLAINED.get(found["what"][:4])) or not rule.match(found["rest"])
        ]
        assert not unexplained

    @pytest.mark.parametrize(
        ("comment", "explained"),
        [
            ("# noqa: S608 -- constants only", True),
            ("# noqa: S608, S603 - constants only", True),
            ("# noqa: S608", False),
            ("# noqa", False),
            ("# type: ignore[arg-type]  # the type is too narrow", True),
            ("# type: ignore[arg-type]", False),
            ("# type: ignore  # because", False),
        ],
    )
    def test_what_counts_as_one(self, comment: str, explained: bool) -> None:
        found = self.SWITCHED_OFF.search(comment)
        assert found is not None
        assert bool(self.EXPLAINED[found["what"][:4]].match(found["rest"])) is explained


class TestFiles:
    def test_none_names_this_machine_or_a_registry(self) -> None:
        """What is made here runs elsewhere, from whatever index there is."""
        found = [
            f"{name_of(path)} has {text!r}"
            for path in ours()
            for text in FORBIDDEN
            if text.encode() in path.read_bytes()
        ]
        assert not found

    def test_requirements_are_pinned_by_hash(self) -> None:
        for name in ("requirements.txt", "requirements-dev.txt"):
            lines = (HOUSE / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
            pins = [line for line in lines if line and not line.lstrip().startswith("#")]
            assert pins
            assert not [pin for pin in pins if not re.match(r"[a-z0-9][^ =]*==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", pin)]


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
