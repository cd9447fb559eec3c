"""Which mails people want: what they chose is kept to, and a link in a mail stops those like it and nothing else."""

from __future__ import annotations

import email
from pathlib import Path

import pytest
from django.core.signing import Signer
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts import preferences
from accounts.models import Mail, MailPreference, User
from accounts.outbox import message_of
from accounts.topics import ABOUT, Topic, always, optional
from tests import factories
from tests.dump import nothing_changes
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db

OPTIONAL = optional(staff=True)


@pytest.fixture
def sam() -> User:
    return factories.user("sam")


@pytest.fixture
def other() -> User:
    return factories.user("other")


def queue(user: User, topic: Topic, key: str | None = None) -> bool:
    """Whether a mail of the topic was queued."""
    before = Mail.objects.count()
    preferences.mail_people([user], topic=topic, template="_test", context={}, key=key)
    return Mail.objects.count() > before


@pytest.fixture(autouse=True)
def _template(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "_test.txt").write_text("Hello {{ person }}\n\nText.\n")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]


class TestTopics:
    def test_every_one_is_described(self) -> None:
        assert list(ABOUT) == list(Topic)
        assert all(topic.about.description for topic in Topic)

    def test_those_that_bind_can_not_be_switched_off(self) -> None:
        assert always() == [Topic.ACCOUNT, Topic.DECISIONS, Topic.QUESTIONS, Topic.BILLING]
        assert set(always()) | set(OPTIONAL) == set(Topic)
        assert not set(always()) & set(OPTIONAL)

    def test_the_digest_is_for_staff(self) -> None:
        assert set(OPTIONAL) - set(optional(staff=False)) == {Topic.DIGEST}


class TestWanting:
    @pytest.mark.parametrize("topic", Topic)
    def test_without_a_choice_the_usual_holds(self, sam: User, topic: Topic) -> None:
        assert preferences.wants(sam, topic) is (topic is not Topic.DIGEST)

    @pytest.mark.parametrize("topic", Topic)
    def test_a_choice_holds_where_there_is_one(self, topic: Topic) -> None:
        reviewer = factories.user(is_staff=True)
        MailPreference.objects.create(user=reviewer, topic=topic, wanted=False)
        assert preferences.wants(reviewer, topic) is (topic in always())
        assert queue(reviewer, topic) is (topic in always())

    def test_a_choice_is_of_one_person_and_one_topic(self, sam: User, other: User) -> None:
        preferences.stop(user=sam, topic=Topic.BLOCKED)
        assert not preferences.wants(sam, Topic.BLOCKED)
        assert preferences.wants(sam, Topic.OVERTAKEN) and preferences.wants(other, Topic.BLOCKED)

    def test_who_is_no_longer_staff_gets_no_digest(self, sam: User) -> None:
        MailPreference.objects.create(user=sam, topic=Topic.DIGEST, wanted=True)
        assert not preferences.wants(sam, Topic.DIGEST)

    def test_many_are_asked_in_one_read(self, sam: User) -> None:
        users = [factories.user() for _ in range(20)]
        preferences.stop(user=users[3], topic=Topic.BLOCKED)
        with CaptureQueriesContext(connection) as captured:
            assert preferences.wanting(users, Topic.BLOCKED) == users[:3] + users[4:]
        assert len(captured) == 1

    def test_a_key_is_for_each_person(self, sam: User, other: User) -> None:
        assert queue(sam, Topic.BLOCKED, "week") and queue(other, Topic.BLOCKED, "week")
        assert not queue(sam, Topic.BLOCKED, "week")

    @pytest.mark.parametrize("topic", Topic)
    def test_only_what_can_be_stopped_says_how(self, topic: Topic) -> None:
        reviewer = factories.user(is_staff=True)
        queue(reviewer, topic)
        mail = Mail.objects.get()
        says_how = "/accounts/mails/stop/" in mail.text
        assert says_how is ("/accounts/mails/stop/" in mail.html) is (topic in OPTIONAL)
        assert bool(mail.headers) is says_how

    def test_the_headers_are_those_of_rfc_8058(self, sam: User) -> None:
        queue(sam, Topic.BLOCKED)
        sent = email.message_from_bytes(message_of(Mail.objects.get()).message().as_bytes())
        assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert sent["List-Unsubscribe"].strip() == f"<{preferences.stop_url(sam, Topic.BLOCKED)}>"


class TestThePage:
    def test_it_shows_what_holds_and_saves_what_is_ticked(self, sam: User) -> None:
        client = signed_in(sam)
        preferences.stop(user=sam, topic=Topic.PROGRESS)
        page = client.get("/accounts/mails/").content.decode()
        assert page.count('type="checkbox"') == len(optional(staff=False))
        assert page.count(" checked") == len(optional(staff=False)) - 1
        for topic in always():
            assert str(topic.label) in page and str(topic.about.why).replace("'", "&#x27;") in page
        assert client.post("/accounts/mails/", {"progress": "on"})["Location"] == "/accounts/mails/"
        wanted = {topic: wants for topic, wants in preferences.chosen_by(sam).items() if wants}
        assert wanted == {Topic.PROGRESS: True}

    def test_an_empty_form_is_an_answer(self, sam: User) -> None:
        assert signed_in(sam).post("/accounts/mails/", {}).status_code == 302
        assert not any(preferences.chosen_by(sam).values())

    def test_what_can_not_be_switched_off_is_not_by_a_forged_form_either(self, sam: User) -> None:
        signed_in(sam).post("/accounts/mails/", {"decisions": "", "digest": "on"})
        assert not MailPreference.objects.filter(topic__in=[*always(), Topic.DIGEST]).exists()

    def test_the_digest_is_offered_to_staff_alone(self, sam: User) -> None:
        label = str(Topic.DIGEST.label)
        assert label not in signed_in(sam).get("/accounts/mails/").content.decode()
        assert label in signed_in(factories.reviewer()).get("/accounts/mails/").content.decode()

    def test_it_costs_few_reads(self, sam: User) -> None:
        client = signed_in(sam)
        with CaptureQueriesContext(connection) as captured:
            client.get("/accounts/mails/")
        assert len(captured) <= 8


class TestStopping:
    @pytest.fixture
    def path(self, sam: User) -> str:
        return f"/accounts/mails/stop/{preferences.stop_token(sam, Topic.BLOCKED)}/"

    def test_opening_the_link_does_nothing(self, path: str) -> None:
        with nothing_changes():
            for method in ("get", "head", "options"):
                getattr(Client(), method)(path)
            page = Client().get(path)
        assert page.status_code == 200 and "Stop them" in page.content.decode()
        assert page["Cache-Control"] == "private, no-store"

    def test_a_mail_program_stops_them_with_one_post(self, sam: User, other: User, path: str) -> None:
        """RFC 8058, 3.1: no cookies, no sign-in, no redirect."""
        client = Client(enforce_csrf_checks=True)
        response = client.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert response.status_code == 200
        assert list(MailPreference.objects.values_list("user", "topic", "wanted")) == [(sam.pk, "blocked", False)]
        assert not queue(sam, Topic.BLOCKED) and queue(sam, Topic.OVERTAKEN) and queue(other, Topic.BLOCKED)

    def test_as_multipart_too(self, sam: User, path: str) -> None:
        assert Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert not preferences.wants(sam, Topic.BLOCKED)

    def test_twice_is_once(self, sam: User, path: str) -> None:
        assert [Client().post(path).status_code for _ in range(2)] == [200, 200]
        assert MailPreference.objects.count() == 1

    def test_it_is_undone_on_the_page(self, sam: User, path: str) -> None:
        Client().post(path)
        signed_in(sam).post("/accounts/mails/", {"blocked": "on"})
        assert preferences.wants(sam, Topic.BLOCKED)

    def test_whoever_has_the_link_learns_no_address(self, sam: User, path: str) -> None:
        client = Client()
        assert sam.email not in client.get(path).content.decode() + client.post(path).content.decode()

    def test_who_is_signed_in_as_another_stops_those_of_the_link(self, sam: User, other: User, path: str) -> None:
        signed_in(other).post(path)
        assert not preferences.wants(sam, Topic.BLOCKED) and preferences.wants(other, Topic.BLOCKED)

    @pytest.mark.parametrize("topic", always())
    def test_no_address_stops_what_can_not_be(self, sam: User, topic: Topic) -> None:
        with nothing_changes():
            Client().post(f"/accounts/mails/stop/{preferences.stop_token(sam, topic)}/")
        assert preferences.wants(sam, topic)

    @pytest.mark.parametrize("token", ["", "x", "1.blocked", "1.blocked:sig", "1.blocked:" + "a" * 43, "\0", "a:b:c"])
    def test_an_address_that_we_did_not_make_is_none(self, sam: User, token: str) -> None:
        assert preferences.read_stop_token(token) is None

    def test_nor_is_one_that_was_changed(self, sam: User, other: User) -> None:
        token = preferences.stop_token(sam, Topic.BLOCKED)
        signature = token.partition(":")[2]
        for changed in (f"{other.pk}.blocked", f"{sam.pk}.overtaken"):
            with nothing_changes():
                assert Client().post(f"/accounts/mails/stop/{changed}:{signature}/").status_code == 404

    def test_nor_one_that_was_signed_for_something_else(self, sam: User) -> None:
        assert preferences.read_stop_token(Signer().sign(f"{sam.pk}.blocked")) is None

    def test_nor_one_of_somebody_who_is_gone(self, sam: User, path: str) -> None:
        sam.delete()
        assert Client().post(path).status_code == 404
