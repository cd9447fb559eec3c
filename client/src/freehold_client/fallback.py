"""The fail table: what becomes of an upload when Freehold gives no answer. Pure.

Everything here errs on the side of the holder for new projects, and on that of the uploader for existing ones. A
namespace counts from the moment it is in the snapshot, even before its ``effective_at``: whether that has come depends
on a clock, and a clock that is slow would let strangers in; the price is that during an outage a new project in a
namespace which is minutes from taking effect has to wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from freehold_client.decisions import Decision, Publisher
from freehold_client.holders import marks, organization_name, present_name, publishing_holder
from freehold_client.snapshot import Grant, Snapshot


class Upload(NamedTuple):
    """What the index knows: ``project`` is normalized; ``first_uploaded`` is in seconds since 1970; ``owner`` is the
    organization that owns the existing project."""

    project: str
    publisher: Publisher
    exists: bool
    first_uploaded: float | None = None
    owner: str | None = None


class Situation(NamedTuple):
    """An upload in a namespace, with no answer: the fresh snapshot, the grants that cover the name, the date in seconds
    since 1970, and Freehold's address for the links."""

    upload: Upload
    snapshot: Snapshot
    covering: Sequence[Grant]
    now: float
    base: str


def namespace_url(base: str, namespace: str) -> str:
    """The public page of a namespace."""
    return f"{base}/namespaces/{namespace}/"


_OUTSIDE = vars(Decision(True, 200, "outside", "", "", source="snapshot"))


def invalid(name: object, message: str) -> Decision:
    """No valid project name: no index may take it, in a namespace or not."""
    return Decision(False, 400, "invalid-name", ascii(name)[1:-1][:200], message)


def outside(project: str, revision: int) -> Decision:
    """In no namespace: goes on as if there were no Freehold."""
    decision = object.__new__(Decision)
    members = _OUTSIDE.copy()
    members["project"] = project
    members["message"] = f"The name '{project}' is in no reserved namespace."
    members["revision"] = revision
    # Past the constructor of a frozen dataclass, which takes longer than all the rest of such a check.
    object.__setattr__(decision, "__dict__", members)
    return decision


def inside(situation: Situation) -> Decision:
    """In a namespace of a fresh snapshot, without an answer."""
    upload, snapshot, covering, now, _ = situation
    holder = publishing_holder(snapshot, covering, upload.publisher, now)
    if holder is not None:
        grant, organization = holder
        return _allow(situation, "snapshot-holder", grant.name, organization)
    owner = present_name(snapshot, covering, _owner(upload), now)
    if upload.exists and any(owner in grant.holders(now) for grant in covering):
        return _allow(situation, "snapshot-owner", covering[-1].name, owner)
    if upload.first_uploaded is not None and upload.first_uploaded < min(grant.effective_at for grant in covering):
        return _allow(situation, "snapshot-owner", covering[-1].name, None)
    return _unavailable(situation)


def unknown(upload: Upload) -> Decision:
    """Without a fresh snapshot and without an answer."""
    if upload.exists:
        message = f"The project '{upload.project}' goes on; the registry of namespaces could not be asked."
        return Decision(True, 200, "stale-existing", upload.project, message)
    message = (
        f"Whether the name '{upload.project}' is reserved can't be told now: "
        "the registry of namespaces does not answer. Try again in a few minutes."
    )
    return Decision(False, 503, "unavailable", upload.project, message)


def _owner(upload: Upload) -> str | None:
    """The organization that owns the project, in the index's own words; named alone as publisher, it is vouched for."""
    if upload.owner is not None:
        return organization_name(upload.owner)
    vouched = upload.publisher.organization_is_vouched_for
    return organization_name(upload.publisher.organization) if vouched else None


def _allow(situation: Situation, reason: str, namespace: str, organization: str | None) -> Decision:
    why = f"'{organization}' holds the namespace" if organization else "it is older than the namespace"
    return Decision(
        True,
        200,
        reason,
        situation.upload.project,
        f"The project '{situation.upload.project}' may be published: {why} '{namespace}'.",
        namespace,
        organization,
        namespace_url(situation.base, namespace),
        tuple(marks(situation.snapshot, situation.covering, organization, situation.now)),
        situation.snapshot.revision,
        "snapshot",
    )


def _unavailable(situation: Situation) -> Decision:
    project, namespace = situation.upload.project, situation.covering[-1].name
    url = namespace_url(situation.base, namespace)
    return Decision(
        False,
        503,
        "unavailable",
        project,
        f"The name '{project}' is in the reserved namespace '{namespace}', and the registry of namespaces does not "
        f"answer. If you publish for its holder, try again in a few minutes. See {url}",
        namespace,
        None,
        url,
        tuple(marks(situation.snapshot, situation.covering, situation.upload.owner, situation.now)),
        situation.snapshot.revision,
        "snapshot",
    )
