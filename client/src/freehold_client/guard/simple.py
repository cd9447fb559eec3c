"""Project details of the simple API in JSON: what they must have, and what PEP 752 adds to them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from freehold_client.names import covers

CONTENT_TYPE = "application/vnd.pypi.simple.v1+json"
VERSION = (1, 5)
API_VERSION = "1.5"
"""The first version of the simple API that has ``namespaces``."""


def is_detail(document: Any) -> bool:
    """Whether a document is a project detail, as opposed to the list of projects or something else."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("name"), str)
        and isinstance(document.get("files"), list)
        and isinstance(document.get("meta"), dict)
    )


def with_namespaces(detail: dict[str, Any], namespaces: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The detail with its namespaces, and with the version that goes with them where it has earned that."""
    marked = {**detail, "namespaces": None if namespaces is None else [dict(mark) for mark in namespaces]}
    if _minor(detail["meta"]) < VERSION[1] and satisfies_earlier_versions(detail):
        marked["meta"] = {**detail["meta"], "api-version": API_VERSION}
    return marked


def satisfies_earlier_versions(detail: Mapping[str, Any]) -> bool:
    """Whether a detail has what versions 1.0 to 1.4 make mandatory.

    1.0 (PEP 691): ``name``, ``files`` with ``filename``, ``url`` and ``hashes`` each. 1.1 (PEP 700): ``versions``, and
    ``size`` of each file. 1.2 (PEP 708: ``meta.tracks``, ``alternate-locations``), 1.3 (PEP 740: ``provenance``) and
    1.4 (PEP 792: ``project-status``) add optional keys alone.
    """
    versions = detail.get("versions")
    return (
        isinstance(versions, list)
        and all(isinstance(version, str) for version in versions)
        and all(_is_whole(entry) for entry in detail["files"])
    )


def _is_whole(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("filename"), str)
        and isinstance(entry.get("url"), str)
        and isinstance(entry.get("hashes"), dict)
        and type(entry.get("size")) is int
    )


def _minor(meta: Mapping[str, Any]) -> int:
    """The minor version of a detail of major version 1; of any other one, more than any that is known."""
    major, _, minor = str(meta.get("api-version", "1.0")).partition(".")
    return int(minor) if major == "1" and minor.isascii() and minor.isdigit() else 1_000_000


def listing(known: Mapping[str, str]) -> dict[str, Any]:
    """The answer to ``namespaces``: every reserved namespace, by name. ``known`` maps it to its owner."""
    entries = [{"name": name, "parent": parent_of(name, known), "owner": known[name]} for name in sorted(known)]
    return {"meta": {"api-version": API_VERSION}, "namespaces": entries}


def entry(name: str, known: Mapping[str, str]) -> dict[str, Any] | None:
    """The answer to ``namespace/<name>``, or None when that is not reserved."""
    if name not in known:
        return None
    return {
        "meta": {"api-version": API_VERSION},
        "name": name,
        "parent": parent_of(name, known),
        "children": sorted(other for other in known if other != name and covers(name, other)),
        "owner": known[name],
    }


def parent_of(name: str, known: Mapping[str, str]) -> str | None:
    """The nearest reserved namespace around one."""
    while "-" in name:
        name = name.rpartition("-")[0]
        if name in known:
            return name
    return None
