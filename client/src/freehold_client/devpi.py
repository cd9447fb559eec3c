"""A plugin for devpi-server, which finds it by its entry point: uploads and pushes into guarded indexes are checked.

devpi takes the last ``name`` field of a form, or the ``name`` of a push from one index to another. The guard reads the
same objects that devpi's views read afterwards, and the same routes. It stands before devpi's write transaction, so
that an upload which waits for Freehold keeps no other one waiting.
"""

from __future__ import annotations

import os
import re
from calendar import timegm
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Callable

from pluggy import HookimplMarker
from pyramid.interfaces import IRoutesMapper

from freehold_client.decisions import Publisher
from freehold_client.guard.metadata import NamespaceMetadata
from freehold_client.guard.ports import Environ, ProjectFacts, StartResponse
from freehold_client.guard.refusals import Refusal
from freehold_client.inprocess import Gate, normalized

OFF = "off"
"""As Freehold's address: nothing is guarded. Said in so many words, lest a lost setting do the same unnoticed."""

_KEY = "freehold_guard"
_UPLOAD_ROUTES = ("/{user}/{index}", "/{user}/{index}/")
_SIMPLE = re.compile(r"(/([^/+]+/[^/+]+)/\+simple/)").match

hookimpl = HookimplMarker("devpiserver")


@hookimpl
def devpiserver_add_parser_options(parser: Any) -> None:
    """The plugin's options; its token comes by the environment alone, for all may read a command line."""
    group = parser.addgroup("reserved namespaces")
    group.addoption("--freehold-url", metavar="URL", default=None, help="Freehold's address; FREEHOLD_URL unless given")
    group.addoption(
        "--freehold-indexes", metavar="LIST", default=None, help="guard only these, such as root/prod,acme/stable"
    )


@hookimpl
def devpiserver_pyramid_configure(config: Any, pyramid_config: Any) -> None:
    """Put the guard before the transaction of each request. Raises ``NotConfigured``: then devpi does not start."""
    settings = {**os.environ, "FREEHOLD_URL": config.args.freehold_url or os.environ.get("FREEHOLD_URL", "")}
    if settings["FREEHOLD_URL"] == OFF:
        return
    gate = Gate.from_environment(Path(config.server_path) / "freehold", settings)
    indexes = frozenset(re.findall(r"[^\s,]+", config.args.freehold_indexes or ""))
    pyramid_config.registry[_KEY] = DevpiGuard(gate, indexes)
    pyramid_config.add_tween(
        "freehold_client.devpi.tween",
        under="devpi_server.views.tween_request_logging",
        over="devpi_server.views.tween_keyfs_transaction",
    )


def tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """What Pyramid calls to build its chain of handlers."""
    guard: DevpiGuard = registry[_KEY]
    replica = registry["xom"].is_replica()  # it passes uploads on to the primary, which has a guard of its own

    def guarded(request: Any) -> Any:
        if request.method in ("GET", "HEAD"):
            return guard.read(request, handler)
        refused = None if replica else guard.refuse(request)
        return handler(request) if refused is None else refused

    return guarded


class DevpiGuard:
    """``indexes``: those that are guarded, as ``user/index``; all when empty."""

    def __init__(self, gate: Gate, indexes: frozenset[str]) -> None:
        self._gate = gate
        self._indexes = indexes

    def guards(self, index: str) -> bool:
        """Whether an index, ``user/index``, is guarded."""
        return not self._indexes or index in self._indexes

    def read(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Answer a reader, with ``namespaces`` in the simple API of guarded indexes."""
        match = _SIMPLE(request.environ["PATH_INFO"])
        if match is None or not self.guards(match[2]):
            return handler(request)

        def devpi(environ: Environ, start_response: StartResponse) -> Any:
            return handler(request)(environ, start_response)

        owners = self._gate.owners
        metadata = NamespaceMetadata(
            devpi, self._gate.client, base=match[1], owner_of=lambda project: owners.get(f"{match[2]}/{project}")
        )
        return request.get_response(metadata)

    def refuse(self, request: Any) -> Any:
        """The answer to an upload that is refused, None to all else."""
        for index, name in _uploads(request):
            refusal = self._refusal(request, index, normalized(name))
            if refusal is not None:
                return request.get_response(partial(_answer, refusal))
        return None

    def _refusal(self, request: Any, index: str, name: Any) -> Refusal | None:
        xom = request.registry["xom"]
        with xom.keyfs.read_transaction():
            stage = _stage(xom, index)
            if stage is None or not self.guards(stage.name):
                return None
            user = request.authenticated_userid
            if user is None and ":ANONYMOUS:" not in stage.ixconfig.get("acl_upload", ()):
                return None  # devpi asks who it is
        key = f"{stage.name}/{name}"
        return self._gate.refusal(name, Publisher(user=user), lambda: _facts(xom, stage.name, name), owner_key=key)


def _answer(refusal: Refusal, _environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return refusal.answer(start_response)


def _uploads(request: Any) -> Iterator[tuple[str, Any]]:
    """The index and the name that a request is about to store under, as devpi's views for these routes read them."""
    found = request.registry.getUtility(IRoutesMapper)(request)
    if found["route"] is None or found["route"].name not in _UPLOAD_ROUTES or request.method not in ("POST", "PUSH"):
        return
    form = request.POST
    if "name" in form:
        yield f"{found['match']['user']}/{found['match']['index']}", form["name"]
    if not form.get(":action"):
        try:
            push = request.json_body
        except ValueError:
            return
        if isinstance(push, dict) and isinstance(push.get("targetindex"), str):
            yield push["targetindex"], push.get("name")


def _stage(xom: Any, index: str) -> Any:
    """The index, ``user/index``, if there is one that takes uploads: mirrors don't."""
    user, _, name = index.partition("/")
    stage = xom.model.getstage(user, name) if name else None
    return stage if hasattr(stage, "store_releasefile") else None


def _facts(xom: Any, index: str, name: str) -> ProjectFacts:
    """Each index is a repository of its own: what counts is when a file of the project first came into this one."""
    with xom.keyfs.read_transaction():
        stage = _stage(xom, index)
        if stage is None or not stage.has_project_perstage(name):
            return ProjectFacts(exists=False)
        stores = [stage.get_linkstore_perstage(name, version) for version in stage.list_versions_perstage(name)]
        logs = [log for store in stores for link in store.get_links(rel="releasefile") for log in link.get_logs()]
    times = [log["when"] for log in logs if log["what"] in ("upload", "push") and log.get("dst") == index]
    first = datetime.fromtimestamp(timegm(min(times)), timezone.utc) if times else None
    return ProjectFacts(exists=True, first_uploaded=first)
