"""Who may sign people in besides Freehold itself: the index, and identity providers of companies.

The index vouches for its own user names and for nothing else. A company's provider vouches for e-mail addresses
under the domains that the operator gave it, and for no name. Each is an OpenID Connect provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from freehold import env

INDEX = "index"
"""The id of the index among the providers."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)
_TEXTS = ("id", "name", "server_url", "client_id", "client_secret")
_SCOPES = ["openid", "profile", "email"]


@dataclass(frozen=True)
class IdentityProvider:
    """``domains``: whose e-mail addresses it vouches for, lower case; ``claim``: where it names a user of the index."""

    id: str
    name: str
    server_url: str
    client_id: str
    client_secret: str = field(repr=False)
    domains: frozenset[str] = frozenset()
    claim: str = ""

    @property
    def is_index(self) -> bool:
        return self.id == INDEX

    def vouches_for(self, email: str) -> bool:
        """Whether the address lies under one of its domains, exactly; a subdomain is a domain of its own."""
        return email.rpartition("@")[2].lower() in self.domains


def from_environment(index_name: str, *, insecure: bool) -> dict[str, IdentityProvider]:
    """All providers by id. Raises ``ValueError`` with a sentence for settings that are wrong or contradictory."""
    index = index_provider(
        name=index_name,
        server_url=env.text("FREEHOLD_INDEX_OIDC_URL"),
        client_id=env.text("FREEHOLD_INDEX_OIDC_CLIENT_ID"),
        client_secret=env.text("FREEHOLD_INDEX_OIDC_CLIENT_SECRET"),
        claim=env.text("FREEHOLD_INDEX_OIDC_CLAIM", "preferred_username"),
    )
    return together([index, *_from_file(env.text("FREEHOLD_IDENTITY_PROVIDERS"))], insecure=insecure)


def _from_file(name: str) -> list[IdentityProvider]:
    if not name:
        return []
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {name} of FREEHOLD_IDENTITY_PROVIDERS cannot be read: {error}") from error
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"the file {name} of FREEHOLD_IDENTITY_PROVIDERS {error}") from error


def index_provider(
    *, name: str, server_url: str, client_id: str, client_secret: str, claim: str
) -> IdentityProvider | None:
    """The index, None where it offers no sign-in. Raises ``ValueError`` for half of a setting."""
    given = [bool(server_url), bool(client_id), bool(client_secret)]
    if not any(given):
        return None
    if not all(given):
        raise ValueError("FREEHOLD_INDEX_OIDC_URL, _CLIENT_ID and _CLIENT_SECRET go together: set all of them or none.")
    return IdentityProvider(INDEX, name, server_url, client_id, client_secret, claim=claim)


def parse(text: str) -> list[IdentityProvider]:
    """The providers of companies, from JSON. Raises ``ValueError`` with a sentence for what cannot be meant."""
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise ValueError("must hold a list of identity providers.")  # noqa: TRY004 -- what is wrong is the file's text
    return [_provider(entry) for entry in entries]


def _provider(entry: Any) -> IdentityProvider:
    if not isinstance(entry, dict) or set(entry) != {*_TEXTS, "domains"}:
        raise ValueError(f"each provider has exactly these keys: {', '.join((*_TEXTS, 'domains'))}.")
    if not all(isinstance(entry[key], str) and entry[key].strip() for key in _TEXTS):
        raise ValueError(f"{', '.join(_TEXTS)} must be texts that are not empty.")
    if not _ID.fullmatch(entry["id"]):
        raise ValueError(f"the id {entry['id']!r} must be lower-case letters, digits and single hyphens.")
    return IdentityProvider(**{key: entry[key] for key in _TEXTS}, domains=_domains(entry["id"], entry["domains"]))


def _domains(provider: str, domains: Any) -> frozenset[str]:
    if not isinstance(domains, list) or not domains:
        raise ValueError(f"{provider} must list at least one domain whose addresses it vouches for.")
    for domain in domains:
        if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
            raise ValueError(f"{provider} lists {domain!r}, which is not a domain in lower case.")
    return frozenset(domains)


def together(providers: Iterable[IdentityProvider | None], *, insecure: bool) -> dict[str, IdentityProvider]:
    """All of them by id. Raises ``ValueError`` where they contradict each other, or are not reached by HTTPS."""
    found: dict[str, IdentityProvider] = {}
    owners: dict[str, str] = {}
    for provider in (one for one in providers if one is not None):
        if provider.id in found:
            raise ValueError(f"two identity providers are called {provider.id!r}.")
        if not _reachable(provider.server_url, insecure=insecure):
            raise ValueError(f"the server_url of {provider.id} must begin with https://.")
        for domain in provider.domains:
            if owners.setdefault(domain, provider.id) != provider.id:
                raise ValueError(f"{owners[domain]} and {provider.id} both vouch for {domain}: only one may.")
        found[provider.id] = provider
    return found


def _reachable(url: str, *, insecure: bool) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and parts.scheme in ({"https", "http"} if insecure else {"https"})


def as_allauth(providers: Mapping[str, IdentityProvider]) -> dict[str, Any]:
    """allauth's setting ``SOCIALACCOUNT_PROVIDERS``."""
    apps = [
        {
            "provider_id": provider.id,
            "name": provider.name,
            "client_id": provider.client_id,
            "secret": provider.client_secret,
            "settings": {"server_url": provider.server_url.rstrip("/"), "scope": _SCOPES},
        }
        for provider in providers.values()
    ]
    return {"openid_connect": {"APPS": apps, "OAUTH_PKCE_ENABLED": True}}
