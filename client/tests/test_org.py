"""``freehold org``: what is asked of Freehold, what people and programs are told, and how it is refused."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from freehold_client import cli, org_things
from freehold_client.org_output import text

BASE = "/api/v1/organizations/acme"
ANN = {"id": 1, "email": "ann@acme.example", "index_username": "ann", "role": "owner", "second_factor": True}
BOB = {"id": 2, "email": "bob@acme.example", "index_username": None, "role": "member", "second_factor": False}


class Organization:
    """Answers as it is told: ``answers`` by method and path, each a status with a body, or a list of such in turn."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.tokens: list[str | None] = []
        self.answers: dict[tuple[str, str], Any] = {
            ("GET", f"{BASE}/members"): (200, {"results": [ANN, BOB], "next": None}),
            ("GET", f"{BASE}/teams"): (200, {"results": [{"id": 7, "name": "Core", "description": ""}], "next": None}),
        }

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        found = self.answers.get((method, path), (404, problem(404, "not-found", "There is nothing here.")))
        return found.pop(0) if isinstance(found, list) else found

    @property
    def changes(self) -> list[tuple[str, str, Any]]:
        return [(method, path[len(BASE) :], body) for method, path, body in self.asked if method != "GET"]


def problem(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"type": f"urn:freehold:problem:{code}", "status": status, "detail": detail, **more}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        here = self.server.organization
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        here.tokens.append(self.headers.get("Authorization"))
        status, value = here.answer(self.command, self.path, body)
        self.send_response(status)
        data = b""
        if status == 308:
            self.send_header("Location", value)
        elif value is not None:
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- the names are the base class's

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def acme(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.organization = Organization()
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    monkeypatch.setenv("FREEHOLD_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("FREEHOLD_TOKEN", "fh_oTEST")
    monkeypatch.setenv("FREEHOLD_ORGANIZATION", "acme")
    yield server.organization
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(capsys):
    def run(*arguments):
        status = cli.main(["org", *map(str, arguments)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


class TestOutput:
    def test_an_aligned_table(self, acme, run) -> None:
        status, out, err = run("people", "list")
        assert (status, err) == (0, "")
        assert out.splitlines() == [
            "ID  EMAIL             INDEX USERNAME  ROLE    SECOND FACTOR",
            "1   ann@acme.example  ann             owner   yes",
            "2   bob@acme.example  -               member  no",
        ]
        assert acme.tokens == ["Bearer fh_oTEST"]

    def test_json(self, acme, run) -> None:
        assert json.loads(run("people", "list", "--json")[1]) == [ANN, BOB]

    def test_nothing_is_no_table(self, acme, run) -> None:
        acme.answers["GET", f"{BASE}/teams"] = (200, {"results": [], "next": None})
        assert run("teams", "list") == (0, "", "")
        assert run("teams", "list", "--json") == (0, "[]\n", "")

    def test_the_organization(self, acme, run) -> None:
        acme.answers["GET", BASE] = (200, {"name": "acme", "requires_second_factor": True, "seats": None})
        assert run("show")[1].splitlines() == [
            "name                    acme",
            "requires second factor  yes",
            "seats                   -",
        ]

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (None, "-"),
            ("", "-"),
            ([], "-"),
            ({}, "-"),
            (0, "0"),
            (["a", 1], "a, 1"),
            ({"a": "b"}, "a=b"),
            ("\x1b[2J\n", "?[2J?"),
        ],
    )
    def test_nothing_moves_the_cursor_of_a_terminal(self, value, shown) -> None:
        assert text(value) == shown

    def test_lists_are_read_to_their_end(self, acme, run) -> None:
        acme.answers["GET", f"{BASE}/members"] = (
            200,
            {"results": [ANN], "next": "https://evil.example/x?after=1&limit=1"},
        )
        acme.answers["GET", f"{BASE}/members?after=1"] = (200, {"results": [BOB], "next": None})
        assert json.loads(run("people", "list", "--json")[1]) == [ANN, BOB]

    def test_a_former_name_leads_to_the_present_one(self, acme, run) -> None:
        acme.answers["GET", f"{BASE}/members"] = (308, "/api/v1/organizations/new-name/members")
        acme.answers["GET", "/api/v1/organizations/new-name/members"] = (200, {"results": [ANN], "next": None})
        assert "ann@acme.example" in run("people", "list")[1]

    def test_a_redirect_elsewhere_is_not_followed(self, acme, run) -> None:
        acme.answers["GET", f"{BASE}/members"] = (308, "https://evil.example/")
        assert run("people", "list")[0] == 3


class TestRefusals:
    def test_its_reason_is_said(self, acme, run) -> None:
        acme.answers["DELETE", f"{BASE}/members/1"] = (409, problem(409, "last-owner", "acme must have an owner."))
        assert run("people", "remove", "ann", "--yes") == (1, "", "freehold: acme must have an owner.\n")

    def test_errors_of_values_too(self, acme, run) -> None:
        acme.answers["POST", f"{BASE}/teams"] = (
            400,
            problem(400, "invalid", "See errors.", errors={"name": ["Too long."]}),
        )
        assert run("teams", "create", "x") == (1, "", 'freehold: See errors. {"name": ["Too long."]}\n')

    @pytest.mark.parametrize(
        "answer", [(500, {}), (503, {}), (200, b"{"), (200, []), (302, None), (200, {"results": 7})]
    )
    def test_what_is_no_answer(self, acme, run, answer) -> None:
        acme.answers["GET", f"{BASE}/members"] = answer
        assert run("people", "list")[0] == 3

    def test_a_refusal_that_is_no_problem(self, acme, run) -> None:
        acme.answers["GET", f"{BASE}/members"] = (403, b"<html>")
        assert run("people", "list") == (1, "", "freehold: Freehold answered 403.\n")

    @pytest.mark.parametrize("missing", ["FREEHOLD_URL", "FREEHOLD_TOKEN", "FREEHOLD_ORGANIZATION"])
    def test_what_must_be_said(self, acme, run, monkeypatch, missing) -> None:
        monkeypatch.delenv(missing)
        status, _, err = run("people", "list")
        assert status == 2
        assert missing in err

    def test_no_option_takes_a_token(self, acme) -> None:
        with pytest.raises(SystemExit):
            cli.main(["org", "people", "list", "--token", "fh_oTEST"])

    def test_it_may_stand_in_a_file(self, acme, run, monkeypatch, tmp_path) -> None:
        monkeypatch.delenv("FREEHOLD_TOKEN")
        (tmp_path / "token").write_text("fh_oFILE\n")
        assert run("people", "list", "--token-file", tmp_path / "token")[0] == 0
        assert acme.tokens == ["Bearer fh_oFILE"]
        (tmp_path / "token").write_text("\n")
        assert run("people", "list", "--token-file", tmp_path / "token")[0] == 2
        assert run("people", "list", "--token-file", tmp_path / "none")[0] == 2


class TestDanger:
    COMMANDS = (
        ("people", "remove", "bob@acme.example"),
        ("teams", "delete", "core"),
        ("namespaces", "release", "acme"),
        ("publishers", "remove", "3"),
        ("proofs", "remove", "3"),
    )

    @pytest.mark.parametrize("command", COMMANDS)
    def test_it_is_not_done_unasked(self, acme, run, monkeypatch, command) -> None:
        status, _, err = run(*command)
        assert status == 2
        assert "--yes" in err
        assert acme.changes == []

    @pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("YES\n", 0), ("n\n", 2), ("\n", 2), ("", 2)])
    def test_somebody_at_a_terminal_is_asked(self, acme, run, monkeypatch, answer, status) -> None:
        class Terminal:
            isatty = staticmethod(lambda: True)
            readline = staticmethod(lambda: answer)

        monkeypatch.setattr("sys.stdin", Terminal)
        acme.answers["DELETE", f"{BASE}/members/2"] = (204, None)
        found, _, err = run("people", "remove", "2")
        assert found == status
        assert "[y/N]" in err
        assert bool(acme.changes) is (status == 0)


class TestPeople:
    def test_roles(self, acme, run) -> None:
        acme.answers["PATCH", f"{BASE}/members/2"] = (200, {**BOB, "role": "manager"})
        assert run("people", "role", "BOB@acme.example", "manager") == (0, "bob@acme.example is manager.\n", "")
        assert acme.changes == [("PATCH", "/members/2", {"role": "manager"})]

    def test_somebody_who_is_not_there(self, acme, run) -> None:
        assert run("people", "role", "eve", "manager")[0] == 2
        assert acme.changes == []

    def test_inviting(self, acme, run) -> None:
        outcomes = [{"addressee": "cy@acme.example", "outcome": "invited", "invitation": {}}]
        acme.answers["POST", f"{BASE}/invitations"] = (201, {"results": outcomes})
        status, out, _ = run("people", "invite", "cy@acme.example", "dan", "--role", "manager", "--team", "core")
        assert (status, out.splitlines()[1]) == (0, "cy@acme.example  invited")
        assert acme.changes[0][2] == {
            "invitations": [
                {"email": "cy@acme.example", "role": "manager", "teams": [7]},
                {"index_username": "dan", "role": "manager", "teams": [7]},
            ]
        }

    def test_inviting_by_a_file(self, acme, run, tmp_path) -> None:
        acme.answers["POST", f"{BASE}/invitations"] = (201, {"results": []})
        rows = "".join(f"p{number}@x.example,,\n" for number in range(600))
        (tmp_path / "people.csv").write_text(
            "\ufeffEmail,Role,Teams\nboss@x.example,owner,Core; core\n" + rows, "utf-8"
        )
        assert run("people", "invite", "--csv", tmp_path / "people.csv")[0] == 0
        first, second = (change[2]["invitations"] for change in acme.changes)
        assert (len(first), len(second)) == (500, 101)
        assert first[:2] == [
            {"email": "boss@x.example", "role": "owner", "teams": [7, 7]},
            {"email": "p0@x.example", "role": "member", "teams": []},
        ]

    @pytest.mark.parametrize("content", ["email\n\n", "x,y\n1,2\n", "email,teams\na@b.example,Nobody\n"])
    def test_files_that_will_not_do(self, acme, run, tmp_path, content) -> None:
        (tmp_path / "people.csv").write_text(content)
        run("people", "invite", "--csv", tmp_path / "people.csv")
        assert all(not change[2]["invitations"] for change in acme.changes)

    def test_nobody_or_twice(self, acme, run, tmp_path) -> None:
        assert run("people", "invite")[0] == 2
        assert run("people", "invite", "x", "--csv", tmp_path / "x")[0] == 2

    def test_teams(self, acme, run) -> None:
        for number in (1, 2):
            acme.answers["PUT", f"{BASE}/teams/7/members/{number}"] = (204, None)
        assert run("teams", "add", "Core", "ann", "2") == (
            0,
            "ann@acme.example, bob@acme.example: in the team Core.\n",
            "",
        )
        assert [path for _, path, _ in acme.changes] == ["/teams/7/members/1", "/teams/7/members/2"]


class TestThings:
    def test_a_child_goes_below_the_innermost_one(self, acme, run) -> None:
        held = [
            {"name": "acme", "owner": "acme"},
            {"name": "acme-labs", "owner": "acme"},
            {"name": "acme-labs-x", "owner": "z"},
        ]
        acme.answers["GET", f"{BASE}/namespaces"] = (200, {"results": held, "next": None})
        acme.answers["POST", f"{BASE}/namespaces/acme-labs/children"] = (201, {"name": "acme-labs-x-y"})
        assert run("namespaces", "create-child", "Acme_Labs.x-y")[0] == 0
        assert acme.changes[0][2] == {"name": "Acme_Labs.x-y"}
        assert run("namespaces", "create-child", "other")[0] == 2

    def test_publishers(self, acme, run) -> None:
        acme.answers["POST", f"{BASE}/publishers"] = (201, {"id": 3})
        run("publishers", "add", "https://ci.example", "sub=a=b", "repository=acme/x")
        assert acme.changes[0][2] == {"issuer": "https://ci.example", "claims": {"sub": "a=b", "repository": "acme/x"}}
        for wrong in (["sub"], ["sub=a", "sub=b"]):
            assert run("publishers", "add", "https://ci.example", *wrong)[0] == 2

    def test_a_new_token_stands_alone_on_a_line(self, acme, run) -> None:
        acme.answers["POST", f"{BASE}/tokens"] = (201, {"id": 3, "token": "fh_oNEW"})
        assert run("tokens", "create", "ci", "--permission", "view") == (0, "fh_oNEW\n", "")
        run("tokens", "create", "ci", "--permission", "view", "--no-end")
        run("tokens", "create", "ci", "--permission", "view", "--days", "7")
        bodies = [body for _, _, body in acme.changes]
        assert "expires_at" not in bodies[0] and bodies[1]["expires_at"] is None and bodies[2]["expires_at"]

    def test_addresses_are_escaped(self, acme, run) -> None:
        run("tokens", "revoke", "../members/1?x#y", "--json")
        assert acme.changes[0][1] == "/tokens/..%2Fmembers%2F1%3Fx%23y"

    def test_the_permissions_are_those_of_the_server(self) -> None:
        vocabulary = pytest.importorskip("orgs.vocabulary", reason="the server is not here")
        assert list(org_things.PERMISSIONS) == vocabulary.Permission.values
        assert list(org_things.PROOFS) == vocabulary.ProofKind.values


class TestAudit:
    EVENT = {
        "position": 5,
        "at": "2026-01-01T00:00:00Z",
        "actor": "ann",
        "action": "team.created",
        "target": "team x",
        "before": None,
        "after": {"name": "x"},
    }

    def test_it_is_printed(self, acme, run) -> None:
        acme.answers["GET", f"{BASE}/audit?after=0"] = (200, {"results": [self.EVENT], "next": None})
        assert run("audit")[1] == "5  2026-01-01T00:00:00Z  ann  team.created  team x  after name=x\n"
        assert json.loads(run("audit", "--json")[1]) == self.EVENT

    def test_it_is_followed_through_an_outage(self, acme, run) -> None:
        acme.answers["GET", f"{BASE}/audit?after=0&action=team."] = [(200, {"results": [self.EVENT], "next": None})]
        later = {**self.EVENT, "position": 9}
        acme.answers["GET", f"{BASE}/audit?after=5&action=team."] = [
            (503, {}),
            (200, {"results": [later], "next": None}),
        ]
        # What comes after that is not there: a refusal ends it.
        status, out, err = run("audit", "--follow", "--action", "team.", "--interval", "0.01")
        assert [line.split()[0] for line in out.splitlines()] == ["5", "9"]
        assert "Trying again" in err
        assert status == 1
