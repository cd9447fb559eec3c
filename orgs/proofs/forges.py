"""Where forges keep the files of an account, and what they tell about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from orgs.proofs.records import FILE

OWN_REPOSITORY = ".freehold"


@dataclass(frozen=True)
class Software:
    """``profile`` is the repository that the account's page is made from; ``raw`` and ``api`` are patterns."""

    label: str
    profile: str
    raw: str
    api: tuple[str, ...]
    """What tells the account's number, as ``id``."""


_FORGEJO = Software(
    "Forgejo",
    ".profile",
    "{base}/api/v1/repos/{owner}/{repository}/raw/{file}",
    ("{base}/api/v1/orgs/{owner}", "{base}/api/v1/users/{owner}"),
)
SOFTWARE: Mapping[str, Software] = {
    "github": Software("GitHub", ".github", "{base}/{owner}/{repository}/HEAD/{file}", ("{base}/users/{owner}",)),
    "forgejo": _FORGEJO,
    "gitlab": Software(
        "GitLab",
        "gitlab-profile",
        "{base}/{owner}/{repository}/-/raw/HEAD/{file}",
        ("{base}/api/v4/groups/{owner}?with_projects=false", "{base}/api/v4/users?username={owner}"),
    ),
    "demo": replace(_FORGEJO, label="Demo forge"),
}
SELF_HOSTED = ("forgejo", "gitlab")

Addresses = tuple[str, str, str]
"""Of one forge: what people see, where files are, what programs ask."""

KNOWN: Mapping[str, Addresses] = {
    "github": ("https://github.com", "https://raw.githubusercontent.com", "https://api.github.com"),
    "gitlab": ("https://gitlab.com", "https://gitlab.com", "https://gitlab.com"),
    "forgejo": ("https://codeberg.org", "https://codeberg.org", "https://codeberg.org"),
}
DEMO = "https://forge.example"
"""The address of the demo's forge, as people type it; it is a page of the site (``freehold.demo.forge``)."""


def with_demo(site: str) -> dict[str, Addresses]:
    """The known forges, and the demo's at this site."""
    return {**KNOWN, "demo": (DEMO, f"{site}/demo/forge", f"{site}/demo/forge")}


@dataclass(frozen=True)
class Account:
    """An account on a forge, with where to look."""

    owner: str
    repositories: tuple[str, ...]
    """For people, best first."""
    files: tuple[str, ...]
    profiles: tuple[str, ...]


def account(subject: str, known: Mapping[str, Addresses], port: int = 443) -> Account:
    """Where to look for the file of ``https://host/owner``; ``known`` is ``FREEHOLD_FORGES``.

    What runs on a host that is not known is not asked of people: either answers what is meant for the other with 404.
    """
    owner, found = subject.rpartition("/")[2], hosts(subject, known, port)
    repositories = {SOFTWARE[name].profile: None for name, _raw, _api in found} | {OWN_REPOSITORY: None}
    return Account(
        owner,
        tuple(repositories),
        tuple(
            SOFTWARE[name].raw.format(base=raw, owner=owner, repository=repository, file=FILE)
            for name, raw, _api in found
            for repository in (SOFTWARE[name].profile, OWN_REPOSITORY)
        ),
        tuple(pattern.format(base=api, owner=owner) for name, _raw, api in found for pattern in SOFTWARE[name].api),
    )


def hosts(subject: str, known: Mapping[str, Addresses], port: int = 443) -> list[tuple[str, str, str]]:
    """What the forge may run on, with where files are and what programs ask."""
    base = subject.rpartition("/")[0]
    software = [(name, raw, api) for name, (web, raw, api) in known.items() if web == base]
    return software or [(name, _at_port(base, port), _at_port(base, port)) for name in SELF_HOSTED]


def label(subject: str, known: Mapping[str, Addresses]) -> str:
    """What people call the forge."""
    base = subject.rpartition("/")[0]
    if base == "https://codeberg.org":
        return "Codeberg"
    software = next((name for name, (web, _raw, _api) in known.items() if web == base), "")
    return SOFTWARE[software].label if software else (urlsplit(subject).hostname or "")


def _at_port(base: str, port: int) -> str:
    if port == 443:
        return base
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"
