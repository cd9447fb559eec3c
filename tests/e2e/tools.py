"""The tools that people use, run as they run them, from an environment of their own (``var/tools``).

Each builds a project with its own backend and uploads it in its own way. Nothing reaches further than the loopback
interface: backends are not fetched but taken from that environment.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.registry import ROOT

TOOLS = Path(os.environ.get("FREEHOLD_TOOLS", ROOT / "var" / "tools"))
BIN = TOOLS / "bin"
SECONDS = 120
NOWHERE = "http://127.0.0.1:9/"
"""An address that nobody listens on, for whatever would ask the real index."""

_PYPROJECT = """\
[build-system]
requires = ["{requires}"]
build-backend = "{backend}"

[project]
name = "{name}"
version = "{version}"
description = "Made to be uploaded."
requires-python = ">=3.9"
{more}"""

_POETRY = """
[tool.poetry]
packages = [{{ include = "{module}", from = "src" }}]
"""


@dataclass(frozen=True)
class Done:
    """A finished command: its exit status and all that it printed."""

    status: int
    output: str


@dataclass(frozen=True)
class Tool:
    """``build`` and ``publish``: commands; in ``publish`` ``{url}``, ``{user}`` and ``{name}`` stand for what they say,
    and ``DIST`` for the built files. A password is the user's name."""

    name: str
    backend: str
    requires: str
    build: tuple[str, ...]
    publish: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


TOOLS_BY_NAME = {
    tool.name: tool
    for tool in (
        Tool(
            "twine",
            "hatchling.build",
            "hatchling",
            ("python", "-m", "build", "--no-isolation"),
            ("twine", "upload", "--non-interactive", "--disable-progress-bar", "--repository-url={url}",
             "--username={user}", "--password={user}", "DIST"),
        ),
        Tool(
            "uv",
            "uv_build",
            "uv_build>=0.9,<1",
            ("uv", "build", "--no-build-isolation", "--python=python"),
            ("uv", "publish", "--trusted-publishing=never", "--keyring-provider=disabled", "--publish-url={url}",
             "--username={user}", "--password={user}", "DIST"),
        ),
        Tool(
            "hatch",
            "hatchling.build",
            "hatchling",
            ("hatchling", "build"),
            ("hatch", "--no-interactive", "publish", "--no-prompt", "--repo={url}", "--user={user}", "--auth={user}",
             "DIST"),
        ),
        Tool(
            "poetry",
            "poetry.core.masonry.api",
            "poetry-core",
            ("poetry", "build", "--no-interaction"),
            ("poetry", "publish", "--no-interaction", "--repository=guarded"),
            (("POETRY_REPOSITORIES_GUARDED_URL", "{url}"), ("POETRY_HTTP_BASIC_GUARDED_USERNAME", "{user}"),
             ("POETRY_HTTP_BASIC_GUARDED_PASSWORD", "{user}")),
        ),
        Tool(
            "flit",
            "flit_core.buildapi",
            "flit_core",
            ("flit", "build", "--no-use-vcs"),
            ("flit", "publish", "--no-use-vcs"),
            (("FLIT_INDEX_URL", "{url}"), ("FLIT_USERNAME", "{user}"), ("FLIT_PASSWORD", "{user}")),
        ),
    )
}  # fmt: skip


class Workshop:
    """Makes projects below a directory, and runs the tools there with a home of their own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._built: dict[tuple[str, str, str], Path] = {}

    def built(self, tool: Tool, name: str, version: str = "1.0") -> Path:
        """The directory of a project, built by the tool; once for each."""
        key = tool.name, name, version
        if key not in self._built:
            path = self._directory / f"{tool.name}-{name}-{version}"
            self._make(path, tool, name, version)
            done = self.run(path, *tool.build)
            assert done.status == 0, done.output
            assert len(list((path / "dist").iterdir())) >= 2, done.output
            self._built[key] = path
        return self._built[key]

    def publish(self, tool: Tool, project: Path, url: str, user: str) -> Done:
        """Upload what is built, as that user."""
        values = {"url": url, "user": user}
        command: list[str] = []
        for part in tool.publish:
            command += self._files(project) if part == "DIST" else [part.format(**values)]
        return self.run(project, *command, **{key: value.format(**values) for key, value in tool.environment})

    def run(self, cwd: Path, *command: str, **environment: str) -> Done:
        """A program of the tools' environment."""
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=cwd,
            env=self._environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def _files(self, project: Path) -> list[str]:
        found = (project / "dist").iterdir()
        return sorted(str(path) for path in found if path.name.endswith((".whl", ".tar.gz")))

    def _environment(self) -> dict[str, str]:
        home = self._directory / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "COLUMNS": "1000",  # or they would break the lines that we look for
            "NO_COLOR": "1",
            "TERM": "dumb",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PIP_INDEX_URL": NOWHERE,
            "PIP_NO_INPUT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CONFIG": "1",
            "UV_DEFAULT_INDEX": NOWHERE,
            "UV_CACHE_DIR": str(home / "uv"),
            "POETRY_VIRTUALENVS_CREATE": "false",
        }

    def _make(self, path: Path, tool: Tool, name: str, version: str) -> None:
        module = name.replace("-", "_")
        package = path / "src" / module
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f'"""Made to be uploaded."""\n\n__version__ = "{version}"\n')
        more = _POETRY.format(module=module) if tool.name == "poetry" else ""
        text = _PYPROJECT.format(requires=tool.requires, backend=tool.backend, name=name, version=version, more=more)
        (path / "pyproject.toml").write_text(text)
