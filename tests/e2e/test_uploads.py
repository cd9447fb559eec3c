"""Uploaded with the real tools to real indexes: strangers are refused and told why, holders go through, all install."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.e2e.indexes import Index
from tests.e2e.registry import HOLDER, NAMESPACE, STRANGER, Freehold
from tests.e2e.tools import TOOLS_BY_NAME, Tool, Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]


@pytest.fixture(params=sorted(TOOLS_BY_NAME))
def tool(request: pytest.FixtureRequest) -> Tool:
    return TOOLS_BY_NAME[request.param]


def test_strangers_are_refused_and_told_holders_publish(
    workshop: Workshop, tool: Tool, index: Index, freehold: Freehold
):
    project = workshop.built(tool, f"{NAMESPACE}-by-{tool.name}")
    before = index.files()

    refused = workshop.publish(tool, project, index.upload_url, STRANGER)
    print(f"--- {tool.name}, {index.name}, stranger: exit {refused.status}\n{refused.output}")
    assert refused.status != 0, refused.output
    assert f"{freehold.url}/namespaces/{NAMESPACE}/" in refused.output
    assert f"'{NAMESPACE}'" in refused.output
    assert index.files() == before

    published = workshop.publish(tool, project, index.upload_url, HOLDER)
    print(f"--- {tool.name}, {index.name}, holder: exit {published.status}\n{published.output}")
    assert published.status == 0, published.output
    assert len(index.files() - before) == 2
