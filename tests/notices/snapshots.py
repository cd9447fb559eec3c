"""Mails as whole files: ``snapshots/<scene>.<to whom>.txt`` and ``.html``.

A changed mail fails, and so does a file that no scene makes any more. After a change that was meant:

    FREEHOLD_RENEW_SNAPSHOTS=1 .venv/bin/pytest tests/notices/test_snapshots.py

and look at what ``git diff`` says of them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from accounts.models import Mail
from accounts.preferences import read_stop_token

FOLDER = Path(__file__).parent / "snapshots"
RENEWING = "FREEHOLD_RENEW_SNAPSHOTS" in os.environ
BASE = Path(__file__).parents[2] / "templates" / "mail" / "base.html"
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_NUMBERS = re.compile(r"(/(?:cases|proofs|people|invitations)/)\d+(?=/)")
_SECRET = re.compile(r"(/invitations/)[^/\s]{20,}(?=/)")
_STOP = re.compile(r"(/accounts/mails/stop/)([^/]+)(?=/)")


def compare(scene: str, mail: Mail) -> None:
    """The mail is what its files say."""
    name = f"{scene}.{mail.to.partition('@')[0]}"
    _compare(FOLDER / f"{name}.txt", _redacted(_written(mail), mail))
    _compare(FOLDER / f"{name}.html", _redacted(_without_style(mail.html), mail))


def _written(mail: Mail) -> str:
    headers = {"To": mail.to, "Subject": mail.subject, **mail.headers}
    return "\n".join(f"{name}: {value}" for name, value in headers.items()) + f"\n\n{mail.text}"


def _without_style(html: str) -> str:
    """The style is the same in all, so it need not stand in each file."""
    style = _STYLE.search(BASE.read_text(encoding="utf-8"))
    assert style is not None and html.count(style.group()) == 1
    return html.replace(style.group(), "<style>…</style>")


def _redacted(text: str, mail: Mail) -> str:
    """Without what is another in each run: ids, and the signature of the address that stops mails like it."""
    for _, token in _STOP.findall(text):
        stopped = read_stop_token(token)
        assert stopped is not None and stopped[0].email == mail.to
    text = _SECRET.sub(r"\1TOKEN", text)
    return _STOP.sub(r"\1TOKEN", _NUMBERS.sub(r"\g<1>1", text))


def _compare(file: Path, found: str) -> None:
    if RENEWING:
        file.write_text(found, encoding="utf-8")
    assert file.exists(), f"There is no {file.name} yet; see tests/notices/snapshots.py."
    assert found == file.read_text(encoding="utf-8"), f"{file.name} has changed; see tests/notices/snapshots.py."
