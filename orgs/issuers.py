"""Trusted publishers: which issuers and claims may be trusted, and what tokens then match. Pure.

A token of OpenID Connect says who issued it (``iss``) and makes claims about whom it was issued to. What matches is
decided by ``namespaces.decision.claims_match``: a value is equal, or begins as one that ends in ``*`` does. Here stands
what keeps an organization from trusting more than it means: GitHub, GitLab and Google give tokens to everybody, so what
is trusted there must name the account; and a name of an account can be given up and be registered by somebody else, so
its number had better be named too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from freehold.errors import Invalid

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
GOOGLE = "https://accounts.google.com"

ISSUER_LENGTH = 500
CLAIMS_LIMIT = 10
NAME_LENGTH = 100
VALUE_LENGTH = 400
CLAIMS_LENGTH = 1500
"""Of all names and values together: an index of the database holds them."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()+,;=:@%/-]*")
_CLAIM_NAME = re.compile(r"[!-<>-~]+")  # printable ASCII without "="
_BEFORE_STAR = ("/", ":", "@")

SAYS_NOTHING = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "azp"})
"""Claims that say nothing of whom the token was issued to, or change with every token."""

_NAME, _PART = r"[^/:@*]+", r"[^/:@*]+(/[^/:@*]+)*"
_IDENTITIES: dict[str, dict[str, str]] = {
    GITHUB: {
        "repository_owner": _NAME,
        "repository_owner_id": r"[0-9]+",
        "repository": rf"{_NAME}/([^/*]+|\*)",
        "repository_id": r"[0-9]+",
        "sub": rf"repo:{_NAME}/.+",
        "workflow_ref": rf"{_NAME}/.+",
    },
    GITLAB: {
        "namespace_path": rf"{_PART}(/\*)?",
        "namespace_id": r"[0-9]+",
        "project_path": rf"{_PART}/([^/*]+|\*)",
        "project_id": r"[0-9]+",
        "sub": rf"project_path:{_NAME}/.+",
    },
    GOOGLE: {"email": r"[^@*]+@[^@*]+", "sub": r"[0-9]+"},
}
"""Issuers that serve everybody, and the claims of theirs of which one must name the account, with the form it has.

GitHub's ``job_workflow_ref`` is not among them: it names a workflow that everybody may call from their own.
"""

_FOR_GOOD: dict[str, frozenset[str]] = {
    GITHUB: frozenset({"repository_owner_id", "repository_id"}),
    GITLAB: frozenset({"namespace_id", "project_id"}),
    GOOGLE: frozenset({"sub"}),
}
"""The claims that name an account for good. Without one of them, whoever registers its name anew is trusted."""


def parse_issuer(text: str) -> str:
    """The issuer as tokens have it in ``iss``: an https URL, its host in lower case and without the usual port.

    The path stays as it is, for ``iss`` is compared letter by letter. Raises ``Invalid``.
    """
    text = text.strip()
    if len(text) > ISSUER_LENGTH:
        raise Invalid(f"An issuer has at most {ISSUER_LENGTH} characters, not {len(text)}.")
    if not (text.isascii() and text.isprintable()):  # urlsplit would pass over line breaks
        raise Invalid("An issuer is written in printable ASCII characters; the name of its host as xn--… where needed.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Invalid(f"{text!a} is not a URL. An issuer looks like https://gitlab.example.com") from error
    host = (parts.hostname or "").lower()
    if parts.scheme.lower() != "https" or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise Invalid("An issuer is an https URL with the name of a host, such as https://gitlab.example.com")
    if "?" in text or "#" in text or not _PATH.fullmatch(parts.path):
        raise Invalid("An issuer has no query and no fragment; copy it from the claim “iss” of a token.")
    return f"https://{host}{'' if port in {None, 443} else f':{port}'}{parts.path}"


def parse_claims(issuer: str, claims: Mapping[str, str]) -> dict[str, str]:
    """The claims as they are stored, by name; raises ``Invalid`` for those that would trust too much or nothing."""
    parsed = {_claim_name(name): _claim_value(name, value) for name, value in sorted(claims.items())}
    if not parsed:
        raise Invalid("Name at least one claim: without any, every token of the issuer would match.")
    if len(parsed) > CLAIMS_LIMIT or sum(map(len, [*parsed, *parsed.values()])) > CLAIMS_LENGTH:
        raise Invalid(f"At most {CLAIMS_LIMIT} claims with {CLAIMS_LENGTH:,} characters in all can be named.")
    _demand_identity(issuer, parsed)
    return parsed


def parse_lines(text: str) -> dict[str, str]:
    """Claims from lines of ``name=value``; raises ``Invalid``."""
    claims: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, separator, value = line.partition("=")
        name = name.strip()
        if not separator:
            raise Invalid(f"{line[:80]!a} is not of the form claim=value.")
        if name in claims:
            raise Invalid(f"The claim {name[:80]!a} stands there twice; a token has it once.")
        claims[name] = value.strip()
    return claims


def _claim_name(name: str) -> str:
    if not _CLAIM_NAME.fullmatch(name) or len(name) > NAME_LENGTH:
        raise Invalid(f"{name[:80]!a} is not the name of a claim: use printable ASCII characters without spaces.")
    if name in SAYS_NOTHING:
        raise Invalid(f"The claim “{name}” does not say whom a token was issued to; name one that does, such as “sub”.")
    return name


def _claim_value(name: str, value: str) -> str:
    if not value:
        raise Invalid(f"The claim “{name}” needs a value.")
    if len(value) > VALUE_LENGTH or not value.isprintable():
        raise Invalid(f"The value of “{name}” is one line of at most {VALUE_LENGTH} characters.")
    fixed = value.removesuffix("*")
    if "*" in fixed:
        raise Invalid(f"In “{name}” a * can only stand at the end.")
    if fixed != value and not (fixed.endswith(_BEFORE_STAR) and any(map(str.isalnum, fixed))):
        # Without a boundary acme* would match acme-evil, which anybody can register.
        raise Invalid(f"In “{name}” a * must follow a whole name with “/”, “:” or “@”, as in acme/*")
    return value


def _demand_identity(issuer: str, claims: Mapping[str, str]) -> None:
    forms = _IDENTITIES.get(issuer)
    if forms is None or any(name in forms and re.fullmatch(forms[name], claims[name]) for name in claims):
        return
    raise Invalid(
        f"Everybody can get a token of {issuer}. Name whose tokens you trust, by one of: {', '.join(sorted(forms))}."
    )


# --- Forms of known issuers -----------------------------------------------------------------------------------------


def github_claims(
    *, owner: str, owner_id: str = "", repository: str = "", workflow: str = "", environment: str = ""
) -> dict[str, str]:
    """The claims of GitHub's tokens for an account, or one repository of it, and a workflow file in that."""
    if workflow and not repository:
        raise Invalid("A workflow belongs to a repository; name that too.")
    claims = {"repository_owner": owner}
    if owner_id:
        claims["repository_owner_id"] = owner_id
    if repository:
        claims["repository"] = f"{owner}/{repository}"
    if workflow:
        claims["workflow_ref"] = f"{owner}/{repository}/.github/workflows/{workflow}@*"
    if environment:
        claims["environment"] = environment
    return claims


def gitlab_claims(*, group: str, project: str = "", namespace_id: str = "", environment: str = "") -> dict[str, str]:
    """The claims of GitLab's tokens for a group with all below it, or for one project of it."""
    claims = {"project_path": f"{group}/{project or '*'}"}
    if namespace_id:
        claims["namespace_id"] = namespace_id
    if environment:
        claims["environment"] = environment
    return claims


def google_claims(*, email: str, subject: str = "") -> dict[str, str]:
    """The claims of Google's tokens for a service account."""
    return {"email": email} | ({"sub": subject} if subject else {})


# --- What it comes to -----------------------------------------------------------------------------------------------


class Condition(NamedTuple):
    """One claim, in words: it is ``text``, or begins with it."""

    claim: str
    text: str
    is_prefix: bool


@dataclass(frozen=True)
class Preview:
    """What would match: the conditions, tokens that would and that would not, and why to think again."""

    conditions: tuple[Condition, ...]
    matching: dict[str, str]
    foreign: dict[str, str]
    warns_of_new_account: bool
    warns_of_any_repository: bool


def preview(issuer: str, claims: Mapping[str, str]) -> Preview:
    """Of an issuer and claims that were parsed."""
    conditions = tuple(Condition(name, value.removesuffix("*"), value.endswith("*")) for name, value in claims.items())
    matching = {"iss": issuer} | {c.claim: _example(c) for c in conditions}
    first = conditions[0]
    return Preview(
        conditions=conditions,
        matching=matching,
        foreign=matching | {first.claim: _foreign(first)},
        warns_of_new_account=can_be_registered_anew(issuer, claims),
        warns_of_any_repository=issuer == GITHUB and not claims.keys() & {"repository", "repository_id", "sub"},
    )


def can_be_registered_anew(issuer: str, claims: Mapping[str, str]) -> bool:
    """Whether somebody who gets the account's name after it was given up would be trusted."""
    for_good = _FOR_GOOD.get(issuer)
    return for_good is not None and not claims.keys() & for_good


def label(issuer: str) -> str:
    """What people call the issuer."""
    return {GITHUB: "GitHub Actions", GITLAB: "GitLab CI/CD", GOOGLE: "Google Cloud"}.get(issuer, issuer)


def _example(condition: Condition) -> str:
    return f"{condition.text}{'anything' if condition.is_prefix else ''}"


def _foreign(condition: Condition) -> str:
    """As near as a stranger can come to it."""
    if not condition.is_prefix:
        return f"{condition.text}-evil"
    return f"{condition.text[:-1]}-evil{condition.text[-1]}anything"
