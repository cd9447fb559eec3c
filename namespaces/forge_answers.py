"""What the programming interfaces of code forges are asked, and how their answers are read. Pure.

GitHub's REST API, GitLab's v4, and the one that Forgejo and Gitea share. Reading an answer raises nothing, whatever it
is: what is not as expected is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from namespaces.policy.licences import Openness, openness
from namespaces.policy.signals import ForgeFacts, Repository

REPOSITORIES = 40
"""Of an account, the ones last worked on."""
PAGE = 50
"""Commits and releases of one repository that are counted."""
TEXT_LENGTH = 500
NAME_LENGTH = 120
MOST = 10**9


@dataclass(frozen=True)
class Api:
    """Patterns of addresses, of which the first that is there counts; ``read`` makes a repository of an answer.

    ``one`` tells more of one repository, where the list leaves it out; ``licence`` is where a file of it would be.
    """

    account: tuple[str, ...]
    repositories: tuple[str, ...]
    commits: str
    releases: str
    read: Callable[[Mapping[str, Any]], Repository | None]
    one: str = ""
    licence: str = ""

    def address(
        self, pattern: str, base: str, owner: str, entry: Mapping[str, Any] | None = None, since: str = ""
    ) -> str:
        """Of a pattern; ``entry`` is what the list of repositories says of the one that is asked about."""
        found = entry or {}
        return pattern.format(
            base=base,
            owner=quote(owner, safe=""),
            name=quote(str(found.get("name", "")), safe=""),
            id=quote(str(found.get("id", "")), safe=""),
            since=since,
        )


def _of_github(entry: Mapping[str, Any]) -> Repository | None:
    if entry.get("private"):
        return None
    licence = entry.get("license")
    identifier = licence.get("spdx_id") if isinstance(licence, Mapping) else ""
    return _repository(entry, licence=identifier, stars="stargazers_count", changed="pushed_at", copied=("fork",))


def _of_gitlab(entry: Mapping[str, Any]) -> Repository | None:
    if entry.get("visibility", "public") != "public":
        return None
    licence = entry.get("license")
    key = licence.get("key") if isinstance(licence, Mapping) else ""
    return _repository(
        entry, licence=key, stars="star_count", changed="last_activity_at", copied=("forked_from_project", "mirror")
    )


def _of_forgejo(entry: Mapping[str, Any]) -> Repository | None:
    if entry.get("private") or entry.get("internal"):
        return None
    licences = entry.get("licenses")
    first = licences[0] if isinstance(licences, list) and licences else ""
    changed = "" if entry.get("empty") else "updated_at"
    return _repository(entry, licence=first, stars="stars_count", changed=changed, copied=("fork", "mirror"))


def _repository(
    entry: Mapping[str, Any], *, licence: Any, stars: str, changed: str, copied: tuple[str, ...]
) -> Repository | None:
    name = entry.get("path") or entry.get("name")
    if not isinstance(name, str) or not name:
        return None
    return Repository(
        name=_text(name, NAME_LENGTH),
        licence=_text(licence, NAME_LENGTH),
        begun=day(entry.get("created_at")),
        changed=day(entry.get(changed)),
        stars=_count(entry.get(stars)),
        forks=_count(entry.get("forks_count")),
        archived=bool(entry.get("archived")),
        copied=any(bool(entry.get(each)) for each in copied),
    )


_FORGEJO = Api(
    account=("{base}/api/v1/orgs/{owner}", "{base}/api/v1/users/{owner}"),
    repositories=(
        f"{{base}}/api/v1/orgs/{{owner}}/repos?limit={REPOSITORIES}",
        f"{{base}}/api/v1/users/{{owner}}/repos?limit={REPOSITORIES}",
    ),
    commits=f"{{base}}/api/v1/repos/{{owner}}/{{name}}/commits?limit={PAGE}&stat=false&verification=false&files=false",
    releases=f"{{base}}/api/v1/repos/{{owner}}/{{name}}/releases?limit={PAGE}",
    licence="{base}/api/v1/repos/{owner}/{name}/raw/LICENSE",
    read=_of_forgejo,
)

_PUBLIC = f"visibility=public&order_by=last_activity_at&per_page={REPOSITORIES}"

APIS: Mapping[str, Api] = {
    "github": Api(
        account=("{base}/users/{owner}",),
        repositories=(f"{{base}}/users/{{owner}}/repos?type=owner&sort=pushed&per_page={REPOSITORIES}",),
        commits=f"{{base}}/repos/{{owner}}/{{name}}/commits?since={{since}}&per_page={PAGE}",
        releases=f"{{base}}/repos/{{owner}}/{{name}}/releases?per_page={PAGE}",
        read=_of_github,
    ),
    "gitlab": Api(
        account=("{base}/api/v4/groups/{owner}?with_projects=false", "{base}/api/v4/users?username={owner}"),
        repositories=(
            f"{{base}}/api/v4/groups/{{owner}}/projects?include_subgroups=true&with_shared=false&{_PUBLIC}",
            f"{{base}}/api/v4/users/{{owner}}/projects?{_PUBLIC}",
        ),
        commits=f"{{base}}/api/v4/projects/{{id}}/repository/commits?since={{since}}&per_page={PAGE}",
        releases=f"{{base}}/api/v4/projects/{{id}}/releases?per_page={PAGE}",
        one="{base}/api/v4/projects/{id}?license=true",
        read=_of_gitlab,
    ),
    "forgejo": _FORGEJO,
    "demo": _FORGEJO,
}


def facts(address: str, on: date, account: Any, repositories: list[Repository]) -> ForgeFacts:
    """All that was answered about one account."""
    told = account[0] if isinstance(account, list) and account else account
    told = told if isinstance(told, Mapping) else {}
    website = told.get("blog") or told.get("website") or told.get("website_url")
    about = told.get("bio") or told.get("description")
    return ForgeFacts(
        address=address,
        on=on,
        website=_text(website, TEXT_LENGTH),
        about=_text(about, TEXT_LENGTH),
        repositories=tuple(sorted(repositories, key=_popularity)),
    )


def _popularity(repository: Repository) -> tuple[bool, bool, int, int, str]:
    return repository.copied, repository.archived, -repository.stars, -repository.forks, repository.name


def count_since(answer: Any, since: date) -> int:
    """How many of the listed commits or releases are as young; what has no time is not counted."""
    entries = answer if isinstance(answer, list) else []
    days = (_day_of(entry) for entry in entries if isinstance(entry, Mapping) and not entry.get("draft"))
    return sum(1 for found in days if found is not None and found >= since)


def _day_of(entry: Mapping[str, Any]) -> date | None:
    commit = entry.get("commit")
    committer = commit.get("committer") if isinstance(commit, Mapping) else None
    within = committer.get("date") if isinstance(committer, Mapping) else None
    keys = ("committed_date", "published_at", "released_at", "created", "created_at")
    return day(within or next((entry[key] for key in keys if entry.get(key)), None))


def day(value: Any) -> date | None:
    """The day (UTC) of an instant as the forges write it; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC).date()


def with_licence(repository: Repository, identifier: str) -> Repository:
    return replace(repository, licence=identifier or repository.licence)


def lacks_licence(repository: Repository) -> bool:
    return openness(repository.licence) is Openness.UNKNOWN


def _text(value: Any, length: int) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(character if character.isprintable() else " " for character in text).strip()[:length]


def _count(value: Any) -> int:
    return min(value, MOST) if type(value) is int and value > 0 else 0
