"""What the guards have in common that run in an index's own process.

There the index has read the request already, and the guard sees the very name under which a file would be stored.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Callable
from urllib.parse import quote

from freehold_client.client import NamespaceClient
from freehold_client.decisions import Decision, Publisher
from freehold_client.errors import FreeholdUnavailable
from freehold_client.guard.limits import Limits
from freehold_client.guard.ports import ProjectFacts
from freehold_client.guard.refusals import Refusal, of_decision
from freehold_client.names import InvalidName, normalize

REFUSAL_STATUSES = (409, 403)

_log = logging.getLogger("freehold_client.guard")


class NotConfigured(Exception):
    """The environment does not say what the guard needs. An index must not start then: it would be unguarded."""


def normalized(name: Any) -> Any:
    """A project's normalized name. What is no name stays as it is: ``Gate`` refuses it for that."""
    try:
        return normalize(name)
    except (InvalidName, TypeError):
        return name


NOBODY = Publisher()
MOST_PUBLISHERS = 200
"""Of a project, those who published last."""


class Owners:
    """To which organization a project belongs, for indexes that have no organizations: the one that published it last;
    and by whom it was published for that.

    One small file for each project, so that any number of processes may share the directory. It is a memory and no
    authority: losing it costs ``owned`` marks and, while Freehold is down, releases that have to wait.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, key: str) -> str | None:
        """The organization's name; None when nobody published the project for one."""
        return next(iter(self._lines(key)), None)

    def get_for(self, key: str, publisher: Publisher) -> str | None:
        """As ``get``, but only for somebody who has published the project for the organization before: an index that
        lets every user upload to every project must not take a stranger's release for the organization's."""
        known = self._lines(key)
        return known[0] if _publisher_line(publisher) in known[1:] else None

    def put(self, key: str, organization: str, publisher: Publisher = NOBODY) -> None:
        """Remember it. A disk that is full costs no upload."""
        known, line = self._lines(key), _publisher_line(publisher)
        before = known[1:] if known[:1] == [organization] else []
        if known[:1] == [organization] and (not line or line in before):
            return
        lines = [organization, *before, *([line] if line else [])]
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            _write(self._path(key), "\n".join([lines[0], *lines[1:][-MOST_PUBLISHERS:]]) + "\n")
        except (OSError, UnicodeError) as error:
            _log.warning("The owner of %s could not be kept: %s", key, error)

    def _lines(self, key: str) -> list[str]:
        with suppress(OSError, UnicodeError):
            return self._path(key).read_text(encoding="ascii").split()
        return []

    def _path(self, key: str) -> Path:
        return self._directory / f"{quote(key, safe='')}.owner"


def _publisher_line(publisher: Publisher) -> str:
    """The user as a word of ASCII, empty for who has no name. Freehold tells names apart without regard to case."""
    return quote((publisher.user or "").casefold(), safe="")


def _write(path: Path, text: str) -> None:
    """At once: whoever reads sees the old text or the new one."""
    with NamedTemporaryFile("w", encoding="ascii", dir=path.parent, delete=False) as file:
        made = Path(file.name)
        try:
            file.write(text)
            file.flush()
            made.replace(path)
        except BaseException:
            made.unlink()
            raise


class Gate:
    """Decides on uploads: nothing is stored unless ``refusal`` has answered None for the name it is stored under."""

    def __init__(self, client: NamespaceClient, owners: Owners, refusal_status: int = 409) -> None:
        if refusal_status not in REFUSAL_STATUSES:
            raise ValueError("refusal_status is 409 or 403.")
        self.client = client
        self.owners = owners
        self._refusal_status = refusal_status

    @classmethod
    def from_environment(cls, cache_dir: Path, environ: Mapping[str, str] = os.environ) -> Gate:
        """By ``FREEHOLD_URL``, ``FREEHOLD_TOKEN``, and where they are set ``FREEHOLD_CACHE_DIR`` (else ``cache_dir``)
        and ``FREEHOLD_REFUSAL_STATUS``. The client is started. Raises ``NotConfigured``."""
        url, token = environ.get("FREEHOLD_URL"), environ.get("FREEHOLD_TOKEN")
        if not url or not token:
            raise NotConfigured("Set FREEHOLD_URL and FREEHOLD_TOKEN: without them nothing would be guarded.")
        directory = Path(environ.get("FREEHOLD_CACHE_DIR") or cache_dir)
        try:
            client = NamespaceClient(url, token, cache_dir=directory)
            gate = cls(client, Owners(directory / "owners"), int(environ.get("FREEHOLD_REFUSAL_STATUS", "409")))
        except ValueError as error:
            raise NotConfigured(f"Freehold's settings can't be right: {error}") from error
        client.start()
        return gate

    def introduction(self) -> str:
        """Who guards and by what, in a sentence, for whoever starts the index. Asks Freehold."""
        self.client.refresh()
        snapshot = self.client.snapshot
        if snapshot is None:
            return (
                f"guarded, but {self.client.url} gives no answer: nothing new is taken in until it does. "
                "Are FREEHOLD_URL and FREEHOLD_TOKEN right?"
            )
        return f"guarded by {self.client.url}, which knows {len(snapshot.grants)} namespaces"

    def refusal(
        self, name: str, publisher: Publisher, facts_of: Callable[[], ProjectFacts], *, owner_key: str | None = None
    ) -> Refusal | None:
        """What to answer instead of storing under that name, None if it may be stored.

        ``facts_of`` is only asked where they matter. ``owner_key``: how the project is called among all that this
        process knows, its name unless given.
        """
        key = name if owner_key is None else owner_key
        decision = self._decide(name, publisher, facts_of, key)
        if decision.allowed is True:
            if decision.organization is not None:
                self.owners.put(key, decision.organization, publisher)
            return None
        _log.info("Upload refused: %s", decision.message)
        return of_decision(decision, self._refusal_status, Limits().retry_after)

    def _decide(
        self, name: str, publisher: Publisher, facts_of: Callable[[], ProjectFacts], owner_key: str
    ) -> Decision:
        if self._is_outside(name):
            return self.client.check_upload(name, publisher)
        facts = facts_of()
        return self.client.check_upload(
            name,
            publisher,
            exists=facts.exists,
            first_uploaded=facts.first_uploaded,
            owner=facts.owner or self.owners.get_for(owner_key, publisher),
        )

    def _is_outside(self, name: str) -> bool:
        """Whether it needs no facts: a name in no namespace, or none at all."""
        try:
            return self.client.namespaces_of(name, None) is None
        except FreeholdUnavailable:
            return False
        except (InvalidName, TypeError):
            return True
