"""The guards in the index's own process check the name that the index takes, whatever else a request says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.indexes import Devpi, Pypiserver, as_json
from tests.e2e.processes import Answer
from tests.e2e.tools import BIN

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
HARMLESS = ("name", "harmless")
RESERVED = ("name", "acme-trick")


def refused(answer: Answer, status: int = 409) -> bool:
    """Whether it is the guard's refusal, in all the forms that uploaders look at."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = json.loads(answer.body)
    assert problem["status"] == status
    assert problem["detail"] in answer.reason or status != 409
    return "location" not in answer.headers


class TestPypiserver:
    """It takes the file's name, and looks at no field."""

    @pytest.mark.parametrize(
        "filename",
        [
            "acme_trick-1.0.tar.gz",
            "acme-trick-1.0.tar.gz",
            "ACME.Trick-1.0.zip",
            "acme-1.0.tar.gz",
            "acme.tar.gz",
            "acme-trick-1.0.tar.gz.asc",
            "acme_trick-1.0-1-py3-none-any.whl",
            "acme-trick-1.0-py2.7-x.egg",
        ],
    )
    def test_the_file_counts_and_not_the_form(self, pypiserver: Pypiserver, filename: str):
        before = pypiserver.files()
        assert refused(pypiserver.post_form(HARMLESS, filename=filename))
        assert refused(pypiserver.post_form(filename=filename))
        assert pypiserver.files() == before

    def test_a_harmless_file_passes_whatever_the_form_says(self, pypiserver: Pypiserver):
        answer = pypiserver.post_form(RESERVED, filename="harmless-1.0.tar.gz")
        assert answer.status == 200
        assert "harmless-1.0.tar.gz" in pypiserver.files()

    @pytest.mark.parametrize("filename", ["ac\u212ae-1.0.tar.gz", "_acme-1.0.tar.gz", "+acme-1.0.tar.gz"])
    def test_what_is_no_name_is_never_stored(self, pypiserver: Pypiserver, filename: str):
        before = pypiserver.files()
        assert pypiserver.post_form(HARMLESS, filename=filename).status == 400
        assert pypiserver.files() == before

    def test_it_asks_for_credentials_itself(self, pypiserver: Pypiserver):
        assert pypiserver.post_form(filename="acme_trick-1.0.tar.gz", user=None).status == 401

    def test_holders_go_by_the_file_too(self, pypiserver: Pypiserver):
        assert pypiserver.post_form(HARMLESS, filename="acme_raw-1.0.tar.gz", user="alice").status == 200
        assert "acme_raw-1.0.tar.gz" in pypiserver.files()

    @pytest.fixture
    def open_to_all(self, guarded: dict[str, str], tmp_path: Path) -> Iterator[Pypiserver]:
        index = Pypiserver(tmp_path, guarded, open_to_all=True)
        index.server.start()
        yield index
        index.server.stop()

    def test_a_server_that_checks_no_password_believes_no_name(self, open_to_all: Pypiserver):
        assert refused(open_to_all.post_form(filename="acme_trick-1.0.tar.gz", user="alice"))
        assert open_to_all.post_form(filename="free_for_all-1.0.tar.gz", user=None).status == 200
        assert open_to_all.files() == {"free_for_all-1.0.tar.gz"}


class TestDevpi:
    """It takes the last ``name`` field, and the name of what is pushed."""

    @pytest.mark.parametrize("path", ["/root/prod/", "/root/prod"])
    @pytest.mark.parametrize("action", ["file_upload", "submit", "doc_upload"])
    def test_the_last_name_counts(self, devpi: Devpi, path: str, action: str):
        before = devpi.files()
        answer = devpi.post_form(HARMLESS, RESERVED, filename="acme_trick-1.0.tar.gz", path=path, action=action)
        assert refused(answer)
        assert devpi.files() == before
        assert devpi.server.request("GET", "/root/prod/+simple/acme-trick/").status == 404

    def test_the_first_name_does_not(self, devpi: Devpi):
        assert devpi.post_form(RESERVED, HARMLESS, filename="harmless-1.0.tar.gz").status == 200

    @pytest.mark.parametrize("name", ["ac\u212ae", "acme ", " acme", "acme\n", "acme_", "+acme", "acme/x", ""])
    def test_what_is_no_name_is_never_stored(self, devpi: Devpi, name: str):
        before = devpi.files()
        assert devpi.post_form(("name", name), filename="acme-1.0.tar.gz").status >= 400
        assert devpi.files() == before

    def test_other_spellings_of_the_path_lead_nowhere_else(self, devpi: Devpi):
        for path in (
            "/root/prod/%0a",
            "/root/prod%0a",
            "/root/prod//",
            "//root/prod/",
            "/root%2fprod/",
            "/root/prod/?a=b",
        ):
            answer = devpi.post_form(RESERVED, filename="acme_trick-1.0.tar.gz", path=path)
            assert answer.status >= 400, path
        assert not any(name.startswith("acme_trick") for name in devpi.files())

    def test_a_push_from_an_index_that_is_not_guarded(self, devpi: Devpi):
        assert devpi.post_form(RESERVED, filename="acme_trick-1.0.tar.gz", path="/mallory/dev/").status == 200
        push = {"name": "Acme.Trick", "version": "1.0", "targetindex": "root/prod"}
        for method in ("POST", "PUSH"):
            assert refused(devpi.server.request(method, "/mallory/dev", *as_json(push), user="mallory"))
        assert not any(name.startswith("acme_trick") for name in devpi.files())

    def test_holders_push(self, devpi: Devpi):
        name = ("name", "acme-pushed")
        assert devpi.post_form(name, filename="acme_pushed-1.0.tar.gz", path="/alice/dev/", user="alice").status == 200
        push = {"name": "acme-pushed", "version": "1.0", "targetindex": "root/prod"}
        answer = devpi.server.request("POST", "/alice/dev", *as_json(push), user="alice")
        assert answer.status == 200, answer
        assert "acme_pushed-1.0.tar.gz" in devpi.files()

    def test_whoever_is_unknown_is_asked_to_sign_in(self, devpi: Devpi):
        assert devpi.post_form(RESERVED, filename="acme_trick-1.0.tar.gz", user=None).status == 401

    def test_where_all_may_upload_the_unknown_are_strangers(self, devpi: Devpi):
        where = "/root/open/"
        assert refused(devpi.post_form(RESERVED, filename="acme_trick-1.0.tar.gz", user=None, path=where))
        assert (
            devpi.post_form(("name", "harmless"), filename="harmless-1.0.tar.gz", user=None, path=where).status == 200
        )
        assert devpi.files_in("root/open") == {"harmless-1.0.tar.gz"}

    def test_a_wrong_password_makes_no_holder(self, devpi: Devpi):
        wrong = {"Authorization": "Basic YWxpY2U6d3Jvbmc="}  # alice:wrong
        answer = devpi.server.request("POST", "/root/open/", b"name=acme-trick&version=1.0&%3Aaction=submit", {
            **wrong, "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
        assert refused(answer)


def test_an_index_without_settings_does_not_start(guarded: dict[str, str], devpi: Devpi, tmp_path: Path):
    environment = {key: value for key, value in guarded.items() if key != "FREEHOLD_TOKEN"}
    commands = (
        [str(BIN / "freehold-pypiserver"), "run", "--passwords=.", "--authenticate=.", str(tmp_path)],
        [*devpi.server.command[:3], "--port=1"],
    )
    for command in commands:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode not in (0, None)
        assert "Set FREEHOLD_URL and FREEHOLD_TOKEN" in done.stdout + done.stderr
