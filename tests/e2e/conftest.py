"""One Freehold and one of each guarded index for all of these tests, which run in one process, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.e2e.indexes import Devpi, Index, Pypiserver
from tests.e2e.registry import Freehold, fresh_database
from tests.e2e.tools import BIN, Workshop

NEEDED = ("freehold-pypiserver", "devpi-server", "twine", "uv", "hatch", "poetry", "flit", "pip")


@pytest.fixture(scope="session")
def _tools() -> None:
    missing = [name for name in NEEDED if not (BIN / name).exists()]
    if not missing:
        return
    reason = f"{', '.join(missing)} not in {BIN}: make var/tools/.done installs what the end-to-end tests run"
    if os.environ.get("FREEHOLD_REQUIRE_TOOLS"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def freehold(_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Freehold]:
    with fresh_database(str(settings.DATABASE_URL), f"freehold_e2e_{os.getpid()}") as url:
        running = Freehold(tmp_path_factory.mktemp("freehold"), url)
        running.server.start()
        yield running
        running.server.stop()


@pytest.fixture(scope="session")
def guarded(freehold: Freehold, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a guarded index."""
    home = tmp_path_factory.mktemp("home")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "FREEHOLD_URL": freehold.url,
        "FREEHOLD_TOKEN": freehold.token,
    }


@pytest.fixture(scope="session")
def pypiserver(guarded: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pypiserver]:
    index = Pypiserver(tmp_path_factory.mktemp("pypiserver"), guarded)
    index.server.start()
    yield index
    index.server.stop()


@pytest.fixture(scope="session")
def devpi(guarded: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devpi]:
    index = Devpi(tmp_path_factory.mktemp("devpi"), guarded)
    index.server.start()
    index.fill()
    yield index
    index.server.stop()


@pytest.fixture(params=["pypiserver", "devpi"])
def index(request: pytest.FixtureRequest) -> Index:
    """Each of the guarded indexes."""
    found: Index = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def workshop(_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    path: Path = tmp_path_factory.mktemp("workshop")
    return Workshop(path)
