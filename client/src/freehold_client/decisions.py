"""The question and its answer: who publishes, and what the index is to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Publisher:
    """Who uploads, as the index has established it.

    ``user``: the index user name. ``organization``: alone, the index vouches that the project's owner is that
    organization; with a user, who must be one of its publishers, it only breaks ties. ``claims``: those, with ``iss``,
    of a trusted-publishing token that the index has verified. With none of the three it is an anonymous upload, which
    acts for nobody.

    Raises ``ValueError`` for an empty text: were it taken for "not given", an organization would be vouched for.
    """

    user: str | None = None
    organization: str | None = None
    claims: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.user == "" or self.organization == "":
            raise ValueError("A publisher's user and organization are None or a text that is not empty.")

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing is known of who uploads."""
        return self.user is None and self.organization is None and self.claims is None

    @property
    def organization_is_vouched_for(self) -> bool:
        """The organization named alone: the index says that the project's owner is that organization."""
        return self.organization is not None and self.user is None and self.claims is None


@dataclass(frozen=True)
class Decision:
    """What the index is to do with an upload.

    - ``allowed``: whether it may be stored.
    - ``status``: what the uploader is answered: 200, 400 (no valid name), 409 (refused), 503 (Freehold gave no answer).
    - ``reason``: from Freehold ``unreserved``, ``holder``, ``grandfathered``, ``existing``, ``lapsed``, ``locked``,
      ``reserved``; from here ``invalid-name``, ``outside`` (of every namespace of a fresh snapshot),
      ``snapshot-holder``, ``snapshot-owner``, ``stale-existing``, ``unavailable``.
    - ``project``: the normalized name; of an invalid one, its printable ASCII form.
    - ``message``: one ASCII line for the uploader, fit for a reason phrase.
    - ``namespace``: the most specific one that matters; ``url``: its page.
    - ``organization``: to whom the index assigns a new project.
    - ``namespaces``: pairs of a covering namespace and whether the project's owner holds it, outermost first.
    - ``revision``: that of the facts which were used, None without any.
    - ``source``: ``server``, ``snapshot``, or ``rule`` (neither was needed, or neither was there).
    """

    allowed: bool
    status: int
    reason: str
    project: str
    message: str
    namespace: str | None = None
    organization: str | None = None
    url: str | None = None
    namespaces: tuple[tuple[str, bool], ...] = ()
    revision: int | None = None
    source: str = "rule"
