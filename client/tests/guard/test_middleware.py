"""Who is asked what, and what becomes of the answer."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from freehold_client.decisions import Decision, Publisher
from freehold_client.guard import Limits, NamespaceGuard, ProjectFacts, remote_user
from guard.calls import call, environ_of, guarded
from guard.made import EVIL, EVIL_FILE, field, file, form_type, multipart, upload
from guard.stand_in import STRANGER, FakeClient, RecordingIndex

EVIL_BODY = multipart(upload(EVIL, EVIL_FILE))
PLAIN_BODY = multipart(upload())
SINCE = datetime(2021, 3, 4, tzinfo=timezone.utc)


class Fixed(FakeClient):
    """Answers the same to everything."""

    def __init__(self, decision: Decision) -> None:
        super().__init__()
        self.decision = decision

    def check_upload(self, name: str, publisher: Publisher, **facts: Any) -> Decision:
        return self.decision


def test_the_question():
    facts = {"plain": ProjectFacts(True, SINCE, "org")}
    guard, _, client = guarded(project_facts=facts.get)
    assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"
    assert client.asked == [("plain", STRANGER, {"exists": True, "first_uploaded": SINCE, "owner": "org"})]


def test_the_question_without_facts():
    guard, _, client = guarded()
    call(guard, environ_of(PLAIN_BODY))
    assert client.asked == [("plain", STRANGER, {"exists": None, "first_uploaded": None, "owner": None})]


def test_every_reading_of_a_file_is_asked_about():
    guard, _, client = guarded()
    call(guard, environ_of(multipart(upload("x-2", "x-2-1.0.zip"))))
    assert [asked[0] for asked in client.asked] == ["x-2", "x"]


def test_nobody_is_a_stranger():
    guard, index, client = guarded(identify=lambda _: None)
    assert call(guard, environ_of(EVIL_BODY)).status.startswith("409 ")
    assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"  # and the index asks for credentials itself
    assert {asked[1] for asked in client.asked} == {Publisher()}
    assert len(index.seen) == 1


def test_remote_user():
    assert remote_user({"REMOTE_USER": "alice"}) == Publisher(user="alice")
    assert remote_user({"HTTP_REMOTE_USER": "alice", "HTTP_X_REMOTE_USER": "alice"}) is None
    assert remote_user({"REMOTE_USER": ""}) is None


def test_the_index_learns_of_the_decision():
    guard, index, _ = guarded(identify=lambda _: Publisher(user="holder"))
    call(guard, environ_of(EVIL_BODY))
    assert index.seen[0].environ["freehold.decision"].organization == "acme"


def test_the_decision_of_another_request_is_not_passed_on():
    guard, index, _ = guarded()
    call(guard, environ_of(method="GET", **{"freehold.decision": "forged"}))
    assert "freehold.decision" not in index.seen[0].environ


@pytest.mark.parametrize("broken", ["identify", "project_facts", "check"])
def test_what_fails_refuses(broken: str):
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken")

    client = FakeClient()
    options = {} if broken == "check" else {broken: fail}
    if broken == "check":
        client.check_upload = fail  # type: ignore[method-assign]  # as a fake would
    guard, index, _ = guarded(client=client, **options)
    answer = call(guard, environ_of(PLAIN_BODY))
    assert answer.status.startswith("503 ")
    assert answer.headers["Retry-After"] == "30"
    assert index.seen == []


@pytest.mark.parametrize("allowed", [None, 1, "yes"])
def test_only_true_is_allowed(allowed: Any):
    guard, index, _ = guarded(client=Fixed(Decision(allowed, 200, "x", "plain", "what?")))
    assert call(guard, environ_of(PLAIN_BODY)).status.startswith("409 ")
    assert index.seen == []


def test_a_refusal():
    guard, _, _ = guarded()
    answer = call(guard, environ_of(EVIL_BODY))
    sentence = (
        "The name 'acme-evil' is in the namespace 'acme', which is reserved for its holders. "
        "See https://freehold.index.example/namespaces/acme/"
    )
    assert answer.status == "409 " + sentence
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "title": "Reserved namespace acme",
        "status": 409,
        "detail": sentence,
        "namespace": "acme",
        "url": "https://freehold.index.example/namespaces/acme/",
        "reason": "reserved",
    }
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert not {"Location", "Connection"} & set(answer.headers)


def test_a_refusal_may_be_403():
    guard, _, _ = guarded(refusal_status=403)
    answer = call(guard, environ_of(EVIL_BODY))
    assert answer.status.startswith("403 The name 'acme-evil'")
    assert json.loads(answer.body)["status"] == 403


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_no_other_status(status: int):
    with pytest.raises(ValueError, match="refusal_status"):
        NamespaceGuard(RecordingIndex(), FakeClient(), identify=remote_user, refusal_status=status)


def test_freehold_is_down():
    guard, index, _ = guarded(client=FakeClient(failure="The namespace registry can't be asked now. Try again soon."))
    answer = call(guard, environ_of(EVIL_BODY))
    assert answer.status == "503 The namespace registry can't be asked now. Try again soon."
    assert answer.headers["Retry-After"] == "30"
    assert json.loads(answer.body)["namespace"] == "acme"
    assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"  # nobody else notices
    assert len(index.seen) == 1


@pytest.mark.parametrize(
    "message",
    ["", "no namespace named", "a\r\nX-Evil: 1", "acme \x00\x1b[31m\u2028", "File already exists in acme", "acme ALREADY  exist",
     "acme " * 500, "acmé \u212a"],
)  # fmt: skip
@pytest.mark.parametrize("url", ["https://freehold.index.example/n/acme/", None, "x\r\ny", "u" * 1000])
def test_any_message_makes_one_fit_line(message: str, url: str | None):
    decision = Decision(False, 409, "reserved", "acme-evil", message, "acme", url=url)
    guard, _, _ = guarded(client=Fixed(decision))
    answer = call(guard, environ_of(EVIL_BODY))
    assert answer.status.startswith("409 ") and len(answer.status) <= 600
    assert all(" " <= character <= "~" for character in answer.status)
    assert "acme" in answer.status
    assert url != "https://freehold.index.example/n/acme/" or url in answer.status
    text = (answer.status + answer.body.decode("ascii")).lower()
    assert "already exist" not in " ".join(text.split())


def test_names_in_fields_of_the_index():
    body = json.dumps({"artifact": "acme-evil", "name": "plain"}).encode()
    guard, index, _ = guarded(name_fields=["artifact"])
    assert call(guard, environ_of(body, "application/json")).status.startswith("409 ")
    body = multipart([field("artifact", EVIL), *upload()])
    assert call(guard, environ_of(body)).status.startswith("400 ")
    assert index.seen == []


@pytest.mark.parametrize(
    "head",
    [
        {"HTTP_AUTHORIZATION": "Basic aTph, Basic aG9sZGVy"},
        {"HTTP_AUTHORIZATION": "Bearer x,Basic aG9sZGVy"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None},
        {"HTTP_TRANSFER_ENCODING": "gzip, chunked", "CONTENT_LENGTH": None, "wsgi.input_terminated": True},
        {"CONTENT_LENGTH": None},
        {"CONTENT_LENGTH": "5, 5"},
        {"CONTENT_TYPE": f"{form_type()}, {form_type()}"},
        {"CONTENT_TYPE": None},
        {"PATH_INFO": "http://index.example/legacy/"},
        {"REQUEST_METHOD": "PO ST"},
        {"HTTP_CONTENT_ENCODING": "identity"},
    ],
    ids=str,
)
def test_heads_that_are_not_taken(head: dict[str, Any]):
    guard, index, _ = guarded()
    answer = call(guard, environ_of(PLAIN_BODY, **head))
    assert answer.status[:3] in ("400", "411", "415")
    assert index.seen == []


def test_a_body_that_the_server_ends():
    """As some servers have it for HTTP/2: no length, no coding, and an input that ends."""
    guard, index, _ = guarded()
    environ = environ_of(PLAIN_BODY, **{"CONTENT_LENGTH": None, "wsgi.input_terminated": True})
    assert call(guard, environ).status == "200 OK"
    assert index.seen[0].body == PLAIN_BODY


@pytest.mark.parametrize(
    "path", ["/a/../login", "//login", "/login/", "/login;x", "/login\x00", "/LOGIN", "/login%20", "/log\xe9in", ""]
)
def test_other_paths_are_not_allowed_ones(path: str):
    guard, index, _ = guarded(allow=[("POST", "/login")])
    answer = call(guard, environ_of(b"user=x", "application/x-www-form-urlencoded", PATH_INFO=path))
    assert answer.status.startswith("400 ")
    assert index.seen == []


def test_a_head_that_is_refused_has_no_body():
    guard, _, _ = guarded()
    answer = call(guard, environ_of(b"x", method="HEAD"))
    assert answer.status.startswith("400 ") and answer.body == b""


def test_a_large_upload_is_refused_before_it_is_read():
    guard, index, _ = guarded(limits=Limits(max_body=100, drain_bytes=0))
    environ = environ_of(multipart([field("name", "plain"), file("plain-1.zip", b"x" * 1000)]))
    assert call(guard, environ).status.startswith("413 ")
    assert environ["wsgi.input"].tell() == 0
    assert index.seen == []
