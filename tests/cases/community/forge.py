"""What code forges answer, in the shapes of their programming interfaces; times are told from today."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.webserver import WebServer

JSON = {"Content_Type": "application/json"}


def ago(days: int) -> str:
    return (timezone.now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def tell(web: WebServer, path: str, answer: Any, status: int = 200) -> None:
    web.reply(path, json.dumps(answer).encode(), status, **JSON)


def on_github(name: str = "rocket", **fields: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "id": 7,
        "name": name,
        "private": False,
        "fork": False,
        "archived": False,
        "license": {"key": "mit", "name": "MIT License", "spdx_id": "MIT"},
        "created_at": ago(900),
        "pushed_at": ago(4),
        "stargazers_count": 140,
        "forks_count": 12,
    }
    return usual | fields


def github(web: WebServer, owner: str, *repositories: dict[str, Any], commits: int = 12, **account: Any) -> None:
    told = {"login": owner, "id": 1, "blog": "", "bio": None} | account
    tell(web, f"/github/users/{owner}", told)
    tell(web, f"/github/users/{owner}/repos", list(repositories))
    for repository in repositories:
        place = f"/github/repos/{owner}/{repository['name']}"
        tell(web, f"{place}/commits", [{"commit": {"committer": {"date": ago(day)}}} for day in range(commits)])
        tell(
            web, f"{place}/releases", [{"draft": False, "published_at": ago(30)}, {"draft": True, "created_at": ago(1)}]
        )


def gitlab(web: WebServer, owner: str) -> None:
    """A group, whose list of projects says nothing of licences."""
    project = {
        "id": 31,
        "name": "Rocket",
        "path": "rocket",
        "visibility": "public",
        "archived": False,
        "created_at": "2021-02-03T04:05:06.000Z",
        "last_activity_at": ago(5),
        "star_count": 55,
        "forks_count": 3,
    }
    tell(web, f"/gitlab/api/v4/groups/{owner}", {"id": 2, "description": "Rockets for all", "web_url": "x"})
    tell(web, f"/gitlab/api/v4/groups/{owner}/projects", [project])
    tell(web, "/gitlab/api/v4/projects/31", project | {"license": {"key": "apache-2.0", "name": "Apache License 2.0"}})
    tell(web, "/gitlab/api/v4/projects/31/repository/commits", [{"committed_date": ago(day)} for day in range(9)])
    tell(web, "/gitlab/api/v4/projects/31/releases", [{"released_at": ago(400)}])


def codeberg(web: WebServer, owner: str, *, organization: bool = True, **fields: Any) -> None:
    """A Forgejo, which tells no licence."""
    kind = "orgs" if organization else "users"
    repository: dict[str, Any] = {
        "name": "rocket",
        "private": False,
        "fork": False,
        "mirror": False,
        "empty": False,
        "archived": False,
        "stars_count": 30,
        "forks_count": 2,
        "created_at": "2022-03-04T05:06:07+02:00",
        "updated_at": ago(2),
    }
    tell(
        web, f"/codeberg/api/v1/{kind}/{owner}", {"id": 3, "website": "https://rocket.example.org", "description": "x"}
    )
    tell(web, f"/codeberg/api/v1/{kind}/{owner}/repos", [repository | fields])
    place = f"/codeberg/api/v1/repos/{owner}/rocket"
    tell(web, f"{place}/commits", [{"created": ago(day)} for day in range(0, 900, 100)])
    tell(web, f"{place}/releases", [])
    web.reply(
        f"{place}/raw/LICENSE", b"Mozilla Public License Version 2.0\n\n1. Definitions", Content_Type="text/plain"
    )
