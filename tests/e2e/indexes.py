"""Real indexes with their guards, told apart by where things are and how one looks into them."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.e2e.processes import HOST, Answer, Server, free_port
from tests.e2e.tools import BIN

PEOPLE = ("alice", "bob", "mallory")
SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
BOUNDARY = "a-boundary"


class Index(ABC):
    """An index that runs, guarded. Everybody in ``PEOPLE`` may upload there; their passwords are their names.

    ``upload_path``: where uploads go; ``simple_path``: the base of the simple API.
    """

    name: str
    server: Server
    upload_path: str
    simple_path: str

    @property
    def upload_url(self) -> str:
        return self.server.url + self.upload_path

    @property
    def simple_url(self) -> str:
        return self.server.url + self.simple_path

    @abstractmethod
    def files(self) -> set[str]:
        """The names of all files that it has stored."""

    def detail(self, project: str) -> dict[str, Any]:
        """The project detail in JSON."""
        answer = self.server.request("GET", f"{self.simple_path}{project}/", headers={"Accept": SIMPLE_JSON})
        assert answer.status == 200, answer
        assert answer.headers["content-type"].startswith(SIMPLE_JSON)
        document: dict[str, Any] = json.loads(answer.body)
        return document

    def post_form(
        self,
        *fields: tuple[str, str],
        filename: str,
        user: str | None = "mallory",
        path: str | None = None,
        action: str = "file_upload",
    ) -> Answer:
        """An upload put together by hand: any fields, in this order, then the file."""
        body = form([(":action", action), ("version", "1.0"), *fields], filename)
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.server.request("POST", path or self.upload_path, body, {"Content-Type": kind}, user=user)


class Pypiserver(Index):
    name = "pypiserver"
    upload_path = "/"
    simple_path = "/simple/"

    def __init__(self, directory: Path, environment: dict[str, str], *, open_to_all: bool = False) -> None:
        self.packages = directory / "packages"
        self.packages.mkdir()
        passwords = directory / "htpasswd"
        passwords.write_text("".join(f"{user}:{_sha(user)}\n" for user in PEOPLE))
        port = free_port()
        command = [str(BIN / "freehold-pypiserver"), "run", f"--interface={HOST}", f"--port={port}"]
        access = ["--passwords=.", "--authenticate=."] if open_to_all else [f"--passwords={passwords}"]
        command += [*access, "--disable-fallback", str(self.packages)]
        self.server = Server(command, environment, directory / "index.log", port, "/health")

    def files(self) -> set[str]:
        return {path.name for path in self.packages.iterdir() if not path.name.startswith(".")}


class Devpi(Index):
    """``root/prod`` takes uploads of everybody who has signed in; ``root/open`` of everybody. These two are guarded,
    everybody's own index is not."""

    name = "devpi"
    upload_path = "/root/prod/"
    simple_path = "/root/prod/+simple/"

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        port = free_port()
        place = ["--serverdir", str(directory / "server")]
        made = [str(BIN / "devpi-init"), *place, "--no-root-pypi", "--root-passwd=root"]
        subprocess.run(made, env=environment, check=True, capture_output=True)
        command = [str(BIN / "devpi-server"), *place, f"--host={HOST}", f"--port={port}", "--offline-mode"]
        command.append("--freehold-indexes=root/prod,root/open")
        self.server = Server(command, environment, directory / "index.log", port, "/+api")

    def fill(self) -> None:
        """Users and indexes, once it runs."""
        for user in PEOPLE:
            self.put(f"/{user}", {"password": user})
            self.put(f"/{user}/dev", {"type": "stage", "bases": [], "acl_upload": [user]})
        for index, who in (("prod", ":AUTHENTICATED:"), ("open", ":ANONYMOUS:")):
            self.put(f"/root/{index}", {"type": "stage", "bases": [], "volatile": True, "acl_upload": [who]})

    def put(self, path: str, value: dict[str, Any]) -> None:
        answer = self.server.request("PUT", path, *as_json(value), user="root")
        assert answer.status in (200, 201), answer

    def files(self) -> set[str]:
        return self.files_in("root/prod")

    def files_in(self, index: str) -> set[str]:
        answer = self.server.request("GET", f"/{index}/+simple/", headers={"Accept": SIMPLE_JSON})
        projects = [project["name"] for project in json.loads(answer.body)["projects"]]
        paths = (f"/{index}/+simple/{project}/" for project in projects)
        details = (self.server.request("GET", path, headers={"Accept": SIMPLE_JSON}) for path in paths)
        return {file["filename"] for detail in details for file in json.loads(detail.body)["files"]}


def as_json(value: Any) -> tuple[bytes, dict[str, str]]:
    """A body and its headers."""
    return json.dumps(value).encode(), {"Content-Type": "application/json", "Accept": "application/json"}


def form(fields: Iterable[tuple[str, str]], filename: str, content: bytes = b"no distribution") -> bytes:
    """A multipart body with a file ``content`` at the end."""
    lines: list[bytes] = []
    for name, value in fields:
        lines += [
            f"--{BOUNDARY}".encode(),
            f'Content-Disposition: form-data; name="{name}"'.encode(),
            b"",
            value.encode(),
        ]
    disposition = f'Content-Disposition: form-data; name="content"; filename="{filename}"'
    lines += [f"--{BOUNDARY}".encode(), disposition.encode(), b"Content-Type: application/octet-stream", b"", content]
    return b"\r\n".join([*lines, f"--{BOUNDARY}--".encode(), b""])


def _sha(password: str) -> str:
    """As htpasswd -s has it; good enough for passwords that are names."""
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
