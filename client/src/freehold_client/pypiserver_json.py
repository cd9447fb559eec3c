"""Project details in JSON for pypiserver, which has them in HTML only: PEP 691, with what PEP 700 adds.

They are what ``NamespaceMetadata`` puts ``namespaces`` in. Who asks for HTML gets pypiserver's own page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

from pypiserver.bottle_wrapper import request, response

from freehold_client.guard.simple import CONTENT_TYPE

_RULE = "/simple/:project/"
_HTML = ("text/html", "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html")
_JSON = (CONTENT_TYPE, "application/vnd.pypi.simple.latest+json")


class JsonDetail:
    """A plugin of Bottle's. pypiserver's own view goes first, with its authentication, redirects and refusals; only
    where it would show its page does another form of it go out."""

    name = "freehold-json-detail"
    api = 2

    def __init__(self, config: Any) -> None:
        self._config = config

    def apply(self, callback: Callable[..., Any], route: Any) -> Callable[..., Any]:
        """Bottle asks for each route what it shall call."""
        if route.rule != _RULE:
            return callback

        def view(project: str) -> Any:
            page = callback(project=project)
            if not isinstance(page, str):
                return page
            response.set_header("Vary", "Accept")
            if not prefers_json(request.get_header("Accept", "")):
                return page
            response.content_type = CONTENT_TYPE
            return json.dumps(detail(project, self._config.backend.find_project_packages(project)))

        return view


def prefers_json(accept: str) -> bool:
    """Whether JSON is asked for by name, and no form of HTML more urgently."""
    weights = dict(_weighted(accept))
    wanted = max(weights.get(kind, 0.0) for kind in _JSON)
    return wanted > 0 and wanted >= max(weights.get(kind, 0.0) for kind in _HTML)


def _weighted(accept: str) -> Iterable[tuple[str, float]]:
    for entry in accept.lower().split(","):
        kind, *parameters = [part.strip() for part in entry.split(";")]
        weight = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        try:
            yield kind, float(weight)
        except ValueError:
            yield kind, 0.0


def detail(project: str, packages: Iterable[Any]) -> dict[str, Any]:
    """The document about the packages of a project, ``PkgFile`` each, by its normalized name."""
    found = sorted((package for package in packages if package.fn), key=lambda p: (p.parsed_version, p.relfn))
    return {
        "meta": {"api-version": "1.1"},
        "name": project,
        "versions": list(dict.fromkeys(_version(package) for package in found)),
        "files": [_file(package) for package in found],
    }


def _file(package: Any) -> dict[str, Any]:
    path, _, digest = package.fname_and_hash.partition("#")
    algorithm, _, value = digest.partition("=")
    file = Path(package.fn)
    status = file.stat()
    uploaded = datetime.fromtimestamp(status.st_mtime, timezone.utc)
    return {
        "filename": file.name,
        "url": "../../packages/" + quote(path),
        "hashes": {algorithm: value} if value else {},
        "size": status.st_size,
        "upload-time": uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def _version(package: Any) -> str:
    """Without a wheel's build tag, which pypiserver counts in."""
    version = str(package.version)
    return version.partition("-")[0] if package.fn.endswith(".whl") else version
