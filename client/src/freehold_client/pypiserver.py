"""A guarded pypiserver: ``freehold-pypiserver`` in place of ``pypi-server``, ``guarded_app`` in place of its ``app``.

pypiserver takes a project's name from the name of the uploaded FILE and looks at no field of the form. So the guard
stands where the file is stored, and reads the name as pypiserver does: whatever the request, nothing gets past it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

import pypiserver
from pypiserver import __main__ as command_line
from pypiserver.backend import BackendProxy
from pypiserver.bottle_wrapper import HTTPResponse, request
from pypiserver.config import Config, RunConfig
from pypiserver.pkg_helpers import guess_pkgname_and_version

from freehold_client.decisions import Publisher
from freehold_client.guard.metadata import NamespaceMetadata
from freehold_client.guard.ports import Headers, ProjectFacts
from freehold_client.guard.refusals import Refusal
from freehold_client.inprocess import Gate, NotConfigured, normalized
from freehold_client.pypiserver_json import JsonDetail


def guarded_app(gate: Gate | None = None, **options: Any) -> Any:
    """pypiserver's Bottle, a WSGI application, guarded. ``options`` are those of ``pypiserver.app``; without ``gate``
    the environment configures Freehold. Raises ``NotConfigured``."""
    config = Config.default_with_overrides(**pypiserver.backwards_compat_kwargs(options))
    return _with_namespaces(pypiserver.setup_routes_from_config(_guarded(config, gate), config))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``pypi-server`` with these arguments, guarded."""
    unguarded = pypiserver.app_from_config

    def app_from_config(config: RunConfig) -> Any:
        pypiserver.app_from_config = unguarded  # it is called once, and needed by _guarded
        app = _with_namespaces(_guarded(config, None))
        sys.stderr.write(f"freehold-pypiserver: {app.freehold.introduction()}\n")
        return app

    pypiserver.app_from_config = app_from_config  # where its command line looks for it
    try:
        command_line.main(arguments)
    except NotConfigured as error:
        sys.exit(f"freehold-pypiserver: {error}")


def _guarded(config: RunConfig, gate: Gate | None) -> Any:
    gate = gate or Gate.from_environment(Path(config.roots[0]) / ".freehold")  # pypiserver never lists dot files
    config.backend = GuardedBackend(config.backend, config, gate)
    app = pypiserver.app_from_config(config)
    app.install(JsonDetail(config))
    app.freehold = gate
    return app


def _with_namespaces(app: Any) -> Any:
    """The same Bottle, for others still have to add routes to it."""
    app.wsgi = NamespaceMetadata(app.wsgi, app.freehold.client, owner_of=app.freehold.owners.get)
    return app


class GuardedBackend(BackendProxy):  # type: ignore[misc]  # pypiserver has no types
    """Stores nothing under a name that the publisher may not use."""

    def __init__(self, wraps: Any, config: RunConfig, gate: Gate) -> None:
        super().__init__(wraps)
        self._config = config
        self._gate = gate

    def add_package(self, filename: str, fh: BinaryIO) -> None:
        """Called for each file of an upload, signatures too, once pypiserver has authenticated the user."""
        guessed = guess_pkgname_and_version(filename)
        name = normalized(guessed[0] if guessed else filename)
        refusal = self._gate.refusal(name, self._publisher(), lambda: self._facts(name))
        if refusal is not None:
            raise _response(refusal)
        super().add_package(filename, fh)

    def _publisher(self) -> Publisher:
        """Whoever pypiserver has authenticated. A server open to all believes no credentials, only what the WSGI server
        says by ``REMOTE_USER``."""
        authenticated = "update" in self._config.authenticate
        user = request.auth[0] if authenticated else request.environ.get("REMOTE_USER")
        return Publisher(user=user or None)

    def _facts(self, name: str) -> ProjectFacts:
        """The files are all that pypiserver knows: when the oldest was written, the project was first uploaded."""
        packages = list(self.find_project_packages(name))
        files = (Path(package.fn) for package in packages if package.fn)
        times = [file.stat().st_mtime for file in files if file.exists()]
        first = datetime.fromtimestamp(min(times), timezone.utc) if times else None
        return ProjectFacts(exists=bool(packages), first_uploaded=first)


def _response(refusal: Refusal) -> HTTPResponse:
    """As Bottle has it, which is raised from anywhere."""
    answer = HTTPResponse()

    def start_response(status: str, headers: Headers) -> Any:
        answer.status = status
        for name, value in headers:
            answer.set_header(name, value)

    answer.body = b"".join(refusal.answer(start_response))
    return answer


if __name__ == "__main__":
    main()
