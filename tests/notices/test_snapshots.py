"""Every mail, whole: text and HTML."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import Mail
from tests.notices import billing_scenes, plan_scenes  # noqa: F401 -- they enter their scenes
from tests.notices.older_scenes import ALSO
from tests.notices.scenes import NOW, SCENES
from tests.notices.snapshots import BASE, FOLDER, compare

TEMPLATES = BASE.parent
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.mark.parametrize("name", SCENES)
def test_it_reads_so(name: str) -> None:
    mails = mails_of(SCENES[name])
    assert mails, "The scene queues nothing."
    assert len({mail.to for mail in mails}) == len(mails)
    for mail in mails:
        compare(name, mail)


def mails_of(scene: Callable[[], None]) -> list[Mail]:
    scene()
    return list(Mail.objects.order_by("pk"))


def test_no_file_is_left_of_a_scene_that_is_gone() -> None:
    stems = {file.name.rpartition(".")[0].rpartition(".")[0] for file in FOLDER.iterdir()}
    assert stems == set(SCENES)


def test_every_template_has_a_scene() -> None:
    names = {file.stem for file in TEMPLATES.glob("*.txt") if not file.stem.startswith("_")}
    assert names - ALSO == {name.partition(".")[0] for name in SCENES}
