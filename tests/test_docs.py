"""The documentation names what there is, and nothing else: settings, commands, and examples that work."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from freehold import webhooks

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
READS_ENVIRONMENT = (
    "freehold/settings.py",
    "accounts/identity_providers.py",
    "freehold/supervisor.py",
    "freehold/programs.py",
    "freehold/stripe_settings.py",
    "freehold/ledger_settings.py",
    "freehold/seller.py",
)
NOT_FOR_OPERATORS = {"FREEHOLD_DEBUG"}
"""For those who work on Freehold: docs/contributor.md."""

_VARIABLE = re.compile(r"[A-Z]+(_[A-Z]+)*")
_READERS = {"text", "flag", "integer", "words", "required", "targets", "file", "name_servers", "get", "_number"}


def read_by(module: str) -> Iterator[str]:
    """The names of environment variables that a module asks for."""
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in _READERS:
            texts = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
            yield from (name for name in texts[:1] if _VARIABLE.fullmatch(name))


def tabulated() -> set[str]:
    """What stands in the first column of a table of variables."""
    tables = re.findall(r"^\| variable \|.*\n\|[- |]+\n((?:\|.*\n)+)", text("operator.md"), re.MULTILINE)
    first = [line.split("|")[1] for table in tables for line in table.splitlines()]
    return {name for cell in first for name in re.findall(r"`([A-Z_]+)`", cell)}


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_setting_is_in_the_operators_tables_and_no_other() -> None:
    asked = {name for module in READS_ENVIRONMENT for name in read_by(module)}
    assert asked - NOT_FOR_OPERATORS == tabulated()
    assert all(f"`{name}`" in text("contributor.md") for name in NOT_FOR_OPERATORS)


def test_no_module_beside_these_reads_the_environment_by_our_reader() -> None:
    code = [path for app in ("freehold", "accounts", "orgs", "namespaces") for path in (ROOT / app).rglob("*.py")]
    readers = {
        str(path.relative_to(ROOT))
        for path in code
        if re.search(r"\benv\.(text|flag|integer|words)\(", path.read_text())
    }
    assert readers <= {*READS_ENVIRONMENT, "freehold/outgoing/endpoints.py"}


def test_every_command_is_told_of() -> None:
    commands = {path.stem for path in ROOT.glob("*/management/commands/[!_]*.py")}
    told = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    assert commands and not {name for name in commands if not re.search(rf"(manage\.py |`){name}\b", told)}


def test_every_command_that_is_told_of_exists() -> None:
    commands = {path.stem for path in ROOT.glob("*/management/commands/[!_]*.py")}
    told = "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *DOCS.rglob("*.md")])
    assert set(re.findall(r"manage\.py ([a-z_]+)", told)) <= commands


def test_links_between_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)}: {target}"


class TestAuditWebhook:
    """The receiver of docs/audit.md, as it stands there."""

    @pytest.fixture
    def verify(self) -> Any:
        (code,) = re.findall(r"```python\n(.*?)```", text("audit.md"), re.DOTALL)
        found: dict[str, Any] = {}
        exec(compile(code, "docs/audit.md", "exec"), found)
        return found["is_from_freehold"]

    @pytest.mark.parametrize("keys", [1, 2])
    def test_takes_what_we_send(self, verify: Any, keys: int) -> None:
        secrets = [webhooks.new_secret() for _ in range(keys)]
        sent = webhooks.headers(secrets, "evt_1_2_ab", timezone.now(), b'{"a": "\xc3\xa4"}')
        assert all(verify(secret, sent, b'{"a": "\xc3\xa4"}') for secret in secrets)

    def test_and_nothing_else(self, verify: Any) -> None:
        secret, now = webhooks.new_secret(), datetime.now(UTC)
        sent = webhooks.headers([secret], "evt_1_2_ab", now, b"{}")
        assert not verify(secret, sent, b"{ }")
        assert not verify(webhooks.new_secret(), sent, b"{}")
        assert not verify(secret, {**sent, "webhook-id": "evt_1_3_ab"}, b"{}")
        old = webhooks.headers([secret], "evt_1_2_ab", now - timedelta(minutes=6), b"{}")
        assert not verify(secret, old, b"{}")
