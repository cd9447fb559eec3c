"""The command line: exit statuses, and what people and programs are told."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

from fakes import TOKEN, answer, grant, organization, reply
from freehold_client import InvalidName, Policy, cli, requirements
from freehold_client.dists import InvalidDistribution, name_in_filename, read_name
from freehold_client.policy import InvalidPolicy


@pytest.fixture
def world(freehold, monkeypatch):
    freehold.put(
        grant("acme", "acme", outsiders=["acme-old"]),
        grant("acme-labs", "acme"),
        grant("zeta", "zed"),
        organization("acme", "alice"),
    )
    monkeypatch.setenv("FREEHOLD_URL", freehold.url)
    monkeypatch.delenv("FREEHOLD_TOKEN", raising=False)
    return freehold


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("FREEHOLD_TOKEN", TOKEN)


@pytest.fixture
def run(capsys):
    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def wheel(path, name="Acme.Widgets", metadata_name=None, copies=1):
    path = path / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(copies):
            archive.writestr(
                f"{'x' * number}{name}-1.0.dist-info/METADATA",
                f"Metadata-Version: 2.1\nName: {metadata_name or name}\nVersion: 1.0\n\nName: body\n",
            )
    return path


def sdist(path, name="acme-widgets", metadata="Metadata-Version: 2.1\nName: {}\nVersion: 1.0\n"):
    path = path / f"{name}-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member in (f"{name}-1.0/inner/PKG-INFO", f"{name}-1.0/PKG-INFO"):
            body = metadata.format(name).encode()
            entry = tarfile.TarInfo(member)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return path


class TestCheck:
    def test_allowed(self, world, token, run) -> None:
        world.decide = lambda question: answer(question["project"], "holder")
        assert run("check", "Acme_X", "--user", "alice", "--new") == (0, "Because of holder.\n", "")
        assert world.checks == [
            {"project": "acme-x", "publisher": {"user": "alice"}, "first_uploaded": None},
        ]

    def test_refused(self, world, token, run) -> None:
        assert run("check", "acme-x", "--organization", "other")[0] == 1
        assert "first_uploaded" not in world.checks[0]

    def test_first_uploaded(self, world, token, run) -> None:
        run("check", "acme-x", "--user", "u", "--first-uploaded", "2021-03-04T05:06:07Z")
        assert world.checks[0]["first_uploaded"] == "2021-03-04T05:06:07+00:00"

    def test_json(self, world, token, run) -> None:
        told = json.loads(run("check", "acme-x", "--user", "u", "--json")[1])
        assert (told["allowed"], told["status"], told["reason"], told["source"]) == (False, 409, "reserved", "server")

    def test_no_answer(self, world, token, run) -> None:
        world.misbehave = lambda handler: reply(handler, 500, {})
        status, out, _ = run("check", "acme-x", "--user", "u")
        assert status == 3
        assert "can't be told" in out

    @pytest.mark.parametrize("name", ["-x", "x\n", "\u212a"])
    def test_no_name(self, world, token, run, name) -> None:
        status, out, _ = run("check", "--new", "--", name)
        assert status == 2
        assert "not a valid project name" in out

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [
            (["other-x"], 0),
            (["acme-x"], 3),
            (["acme-x", "--organization", "Acme"], 0),
            (["acme-labs-x", "--organization", "zed"], 3),
        ],
    )
    def test_without_a_token(self, world, run, arguments, status) -> None:
        assert run("check", *arguments)[0] == status

    def test_without_an_address(self, run, monkeypatch) -> None:
        monkeypatch.delenv("FREEHOLD_URL", raising=False)
        status, _, err = run("check", "x")
        assert status == 2
        assert "FREEHOLD_URL" in err

    def test_a_wrong_address(self, run) -> None:
        assert run("check", "x", "--url", "ftp://x")[0] == 2

    @pytest.mark.parametrize("time", ["yesterday", "2021-03-04", "2021-03-04T05:06:07"])
    def test_a_wrong_time(self, world, token, run, time) -> None:
        with pytest.raises(SystemExit) as stopped:
            run("check", "x", "--first-uploaded", time)
        assert stopped.value.code == 2


class TestNamespaces:
    def test_all(self, world, run) -> None:
        assert run("namespaces") == (0, "acme  held by acme\nacme-labs  held by acme\nzeta  held by zed\n", "")

    def test_around_a_name(self, world, run) -> None:
        assert run("namespaces", "Acme_Labs_X")[1] == "acme  held by acme\nacme-labs  held by acme\n"
        assert run("namespaces", "acmex") == (0, "The name 'acmex' is in no reserved namespace.\n", "")

    def test_json(self, world, run) -> None:
        assert json.loads(run("namespaces", "zeta", "--json")[1]) == {"name": "zeta", "parent": None, "owner": "zed"}

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"namespaces": [1]}', b'{"namespaces": [{"name": 1}]}'])
    def test_not_understood(self, world, run, body) -> None:
        world.misbehave = lambda handler: reply(handler, 200, body)
        assert run("namespaces")[0] == 3

    def test_down(self, world, run) -> None:
        world.misbehave = lambda handler: reply(handler, 503, {})
        status, _, err = run("namespaces")
        assert (status, err) == (3, "freehold: Freehold answered 503 for /simple/namespaces.\n")


class TestPreflight:
    def test_the_worst_counts(self, world, token, run, tmp_path) -> None:
        world.decide = lambda q: answer(q["project"], "holder" if q["project"] == "acme-widgets" else "reserved")
        good, bad = wheel(tmp_path), sdist(tmp_path, "acme-other")
        assert run("preflight", good, "--user", "alice")[0] == 0
        status, out, _ = run("preflight", good, bad, "--user", "alice")
        assert (status, len(out.splitlines())) == (1, 2)
        assert out.splitlines()[1].startswith(f"{bad}: ")

    def test_json(self, world, token, run, tmp_path) -> None:
        told = json.loads(run("preflight", wheel(tmp_path), "--user", "u", "--json")[1])
        assert (told["project"], told["allowed"]) == ("acme-widgets", False)

    def test_no_distribution(self, world, token, run, tmp_path) -> None:
        assert run("preflight", wheel(tmp_path, "acme", "other"), "--user", "u")[0] == 2
        assert run("preflight", tmp_path / "missing-1.0.tar.gz", "--user", "u")[0] == 2
        assert world.checks == []


class TestDistributions:
    def test_wheel(self, tmp_path) -> None:
        assert read_name(wheel(tmp_path)) == "acme-widgets"

    def test_sdist(self, tmp_path) -> None:
        assert read_name(sdist(tmp_path)) == "acme-widgets"

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda path: wheel(path, "acme", "other"), "say 'other'"),
            (lambda path: wheel(path, "acme", "acme\u212a"), "no valid name"),
            (lambda path: wheel(path, copies=0), "0 METADATA"),
            (lambda path: wheel(path, copies=2), "2 METADATA"),
            (lambda path: sdist(path, metadata="Version: 1\n"), "0 names"),
            (lambda path: sdist(path, metadata="Name: a\nName: b\n"), "2 names"),
            (lambda path: sdist(path, metadata="Name: other\n"), "say 'other'"),
        ],
    )
    def test_refused(self, tmp_path, make, message) -> None:
        with pytest.raises(InvalidDistribution, match=message):
            read_name(make(tmp_path))

    @pytest.mark.parametrize("name", ["a-1.0.tar.gz", "a-1.0-py3-none-any.whl"])
    @pytest.mark.parametrize("content", [b"", b"nonsense", b"\x1f\x8b\x08nonsense", b"PK\x03\x04nonsense"])
    def test_broken(self, tmp_path, name, content) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidDistribution):
            read_name(tmp_path / name)

    @pytest.mark.parametrize(
        ("filename", "name"),
        [
            ("Acme_Widgets-1.0-py3-none-any.whl", "acme-widgets"),
            ("acme-1.0-1-py3-none-any.whl", "acme"),
            ("acme.widgets-1.0.tar.gz", "acme-widgets"),
            ("acme-widgets-1.0.tar.gz", "acme-widgets"),
            ("acme-1.0.zip", None),
            ("acme.whl", None),
            ("acme-1.0.tar.gz.exe", None),
            ("-1.0.tar.gz", None),
            ("acme.tar.gz", None),
            ("\u212a-1.0.tar.gz", None),
        ],
    )
    def test_file_names(self, filename, name) -> None:
        if name is None:
            with pytest.raises(InvalidDistribution):
                name_in_filename(filename)
        else:
            assert name_in_filename(filename) == name


class TestRequirements:
    @pytest.mark.parametrize(
        ("line", "name"),
        [
            ("acme", "acme"),
            ("Acme.Widgets==1.0", "acme-widgets"),
            ("acme >= 1, < 2 ; python_version < '3.9'", "acme"),
            ("acme[one,two]~=1.0", "acme"),
            ("acme [one] ~= 1.0", "acme"),
            ("acme; extra == 'x'", "acme"),
            ("acme!=1", "acme"),
            ("acme<2", "acme"),
            ("acme (>=1)", "acme"),
            ("acme===1.0", "acme"),
            ("acme==1.0 --hash=sha256:abc --hash=sha256:def", "acme"),
            ("acme==1.0 # comment", "acme"),
            ("acme @ https://files.index.example/acme-1.0.tar.gz", "acme"),
            ("acme@https://files.index.example/other-1.0.tar.gz", "acme"),
            ("https://files.index.example/Acme_W-1.0-py3-none-any.whl#sha256=ab", "acme-w"),
            ("git+https://forge.example/a/b#egg=acme&subdirectory=x", "acme"),
            ("git+https://forge.example/a/b", None),
            ("./dist/acme-1.0.tar.gz", "acme"),
            ("dist/acme-1.0-py3-none-any.whl", "acme"),
            ("acme-1.0.tar.gz", "acme"),
            ("-e .", None),
            ("--editable=./src/thing", None),
            ("-e git+https://forge.example/a/b#egg=acme", "acme"),
            ("../thing", None),
        ],
    )
    def test_lines(self, tmp_path, line, name) -> None:
        (tmp_path / "r.txt").write_text(line + "\n")
        assert [found.name for found in requirements.read(tmp_path / "r.txt")] == [name]

    @pytest.mark.parametrize(
        "line",
        ["", "# acme", "   # acme", "--index-url https://index.example/simple", "-c constraints.txt", "-i x", "--pre"],
    )
    def test_lines_without(self, tmp_path, line) -> None:
        (tmp_path / "r.txt").write_text(line + "\n")
        assert requirements.read(tmp_path / "r.txt") == []

    @pytest.mark.parametrize(
        "line", ["=1.0", "\u212aubernetes", "acme\u212a", "acme-", "!", "-r https://x.example/r.txt"]
    )
    def test_lines_that_are_none(self, tmp_path, line) -> None:
        (tmp_path / "r.txt").write_text(line + "\n", encoding="utf-8")
        with pytest.raises((requirements.InvalidRequirements, InvalidName)):
            requirements.read(tmp_path / "r.txt")

    def test_continued_lines_includes_and_circles(self, tmp_path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "r.txt").write_text(
            "\ufeffone==1 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\n-r sub/more.txt\nfour\n", encoding="utf-8"
        )
        (tmp_path / "sub" / "more.txt").write_text("two\n--requirement=../r.txt\n-r 'last.txt'")
        (tmp_path / "sub" / "last.txt").write_text("three")
        found = requirements.read(tmp_path / "r.txt")
        assert [(entry.name, entry.line) for entry in found] == [("one", 1), ("two", 1), ("three", 1), ("four", 5)]

    def test_a_file_that_is_not_there(self, tmp_path) -> None:
        (tmp_path / "r.txt").write_text("-r gone.txt")
        with pytest.raises(FileNotFoundError):
            requirements.read(tmp_path / "r.txt")


class TestAudit:
    def audit(self, run, tmp_path, lines, policy=None, suffix="toml"):
        (tmp_path / "r.txt").write_text("\n".join(lines))
        arguments = ["audit", tmp_path / "r.txt", "--json"]
        if policy is not None:
            (tmp_path / f"policy.{suffix}").write_text(policy)
            arguments += ["--policy", tmp_path / f"policy.{suffix}"]
        status, out, err = run(*arguments)
        return status, json.loads(out) if out else err

    def test_findings(self, world, run, tmp_path) -> None:
        status, told = self.audit(run, tmp_path, ["acme-x", "acme-labs-y", "acme-old", "other", "acme-x", "-e ."])
        assert status == 1
        assert [(p["name"], p["verdict"]) for p in told["packages"]] == [
            ("acme-x", "owned"),
            ("acme-labs-y", "owned"),
            ("acme-old", "not-owned"),
            ("other", "outside"),
        ]
        assert told["packages"][1]["namespaces"] == [
            {"name": "acme", "owned": True, "owner": "acme"},
            {"name": "acme-labs", "owned": True, "owner": "acme"},
        ]
        assert len(told["violations"]) == 1
        assert [entry["text"] for entry in told["unnamed"]] == ["."]
        assert not any("projects/other" in path for path in world.paths())

    def test_the_index_may_tell_who_owns_what(self, world, run, tmp_path) -> None:
        (tmp_path / "r.txt").write_text("acme-x\nacme-old\n")
        status, out, _ = run("audit", tmp_path / "r.txt", "--json", "--index", f"{world.url}/index/simple/")
        assert status == 1
        told = {package["name"]: package["verdict"] for package in json.loads(out)["packages"]}
        assert told == {"acme-x": "not-owned", "acme-old": "owned"}
        assert not any("/api/v1/projects/" in path for path in world.paths())

    def test_an_index_that_has_no_such_project(self, world, run, tmp_path) -> None:
        (tmp_path / "r.txt").write_text("acme-gone\n")
        status, _, err = run("audit", tmp_path / "r.txt", "--index", f"{world.url}/index/simple")
        assert status not in {0, 1}
        assert "The index answered 404 for /acme-gone/" in err

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="no TOML reader")
    @pytest.mark.parametrize(
        ("required", "policy", "status"),
        [
            ("acme-old", "", 1),
            ("acme-old", 'allow = ["Acme_Old"]', 0),
            ("acme-old", 'require-owned = ["zeta"]', 0),
            ("acme-old", 'require-owned = ["acme"]', 1),
            ("acme-old", 'require-owned = []\n[owners]\nacme = "acme"', 0),
            ("acme-old", 'require-owned = []\n[owners]\nacme = "other"', 1),
            ("other-x", 'require-owned = []\n[owners]\nother = "us"', 1),
            ("other-x", 'require-owned = []\n[owners]\nnothing = "us"', 0),
            ("other-x", 'require-owned = []\nallow = ["other-x"]\n[owners]\nother = "us"', 0),
        ],
    )
    def test_policy(self, world, run, tmp_path, required, policy, status) -> None:
        assert self.audit(run, tmp_path, [required], policy)[0] == status

    def test_a_policy_in_json(self, world, run, tmp_path) -> None:
        assert self.audit(run, tmp_path, ["acme-old"], '{"allow": ["acme-old"]}', "json")[0] == 0

    @pytest.mark.parametrize(
        "policy",
        [
            "[]",
            "{",
            '{"alow": []}',
            '{"allow": "acme"}',
            '{"allow": ["*"]}',
            '{"allow": [1]}',
            '{"owners": []}',
            '{"owners": {"-": "x"}}',
        ],
    )
    def test_a_wrong_policy(self, world, run, tmp_path, policy) -> None:
        assert self.audit(run, tmp_path, ["acme"], policy, "json")[0] == 2

    def test_for_people(self, world, run, tmp_path) -> None:
        (tmp_path / "r.txt").write_text("acme-old\nother\n-e .\n")
        status, out, _ = run("audit", tmp_path / "r.txt")
        assert status == 1
        assert out.splitlines() == [
            f"unnamed    {tmp_path / 'r.txt'}:3: .",
            "not-owned  acme-old  acme of acme",
            "violation  'acme-old' is in the namespace 'acme' and does not belong to its holder.",
            "2 packages, 1 in a namespace, 1 violations.",
        ]

    def test_answers_for_another_project(self, world, run, tmp_path) -> None:
        world._project = lambda name: {"name": "other", "namespaces": None}
        assert self.audit(run, tmp_path, ["acme-x"])[0] == 3

    def test_policies_compare(self) -> None:
        assert Policy.parse({}) == Policy()
        with pytest.raises(InvalidPolicy):
            Policy.parse({"Require-Owned": []})


def test_as_a_program(world) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "freehold_client.cli", "namespaces", "zeta"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "zeta  held by zed\n", "")
