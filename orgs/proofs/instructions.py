"""What to copy where, for each kind of proof. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orgs.proofs import forges, records, subjects, suffixes
from orgs.proofs.observations import Hint

TTL = 300  # seconds, in the line for a zone file

# What people trip over, by kind; the first ones are the most frequent.
TYPICAL: dict[str, tuple[Hint, ...]] = {
    "dns": (Hint.TWICE, Hint.APEX, Hint.QUOTED, Hint.ALIAS),
    "https": (Hint.PAGE, Hint.ELSEWHERE),
}


@dataclass(frozen=True)
class DnsHow:
    """A TXT record. ``short_name`` is what most panels want: they add the rest by themselves."""

    name: str
    short_name: str
    zone: str
    value: str
    bind: str
    dig: str
    nslookup: str


@dataclass(frozen=True)
class FileHow:
    """A file on a website; ``make`` and ``test`` are commands."""

    url: str
    path: str
    host: str
    line: str
    make: str
    test: str


@dataclass(frozen=True)
class ForgeHow:
    """A file in a repository of an account; any one of ``repositories`` will do."""

    label: str
    owner: str
    repositories: tuple[str, ...]
    file: str
    line: str
    test: str


def of_dns(domain: str, challenge: str) -> DnsHow:
    name, value = records.record_name(domain), records.text_of(challenge)
    zone = _zone(domain)
    return DnsHow(
        name=name,
        short_name=name.removesuffix(f".{zone}"),
        zone=zone,
        value=value,
        bind=f'{name}. {TTL} IN TXT "{value}"',
        dig=f"dig +short TXT {name}",
        nslookup=f"nslookup -type=TXT {name}",
    )


def of_file(domain: str, challenge: str) -> FileHow:
    line = records.text_of(challenge)
    url = records.file_url(domain)
    path = records.WELL_KNOWN.removeprefix("/")
    make = f"mkdir -p .well-known && echo '{line}' > {path}"
    return FileHow(url=url, path=path, host=domain, line=line, make=make, test=f"curl -L {url}")


def of_forge(subject: str, challenge: str, known: dict[str, forges.Addresses]) -> ForgeHow:
    account = forges.account(subject, known)
    return ForgeHow(
        label=forges.label(subject, known),
        owner=account.owner,
        repositories=tuple(f"{account.owner}/{repository}" for repository in account.repositories),
        file=records.FILE,
        line=records.text_of(challenge),
        test=f"curl -L {account.files[0]}",
    )


def _zone(domain: str) -> str:
    """The domain that was registered, as far as we know suffixes."""
    labels = domain.split(".")
    length = 3 if ".".join(labels[-2:]) in suffixes.PUBLIC else 2
    return ".".join(labels[-length:])


def shown(kind: str, subject: str) -> subjects.ShownDomain:
    """The subject as people know it, and in ASCII where that differs."""
    if kind in {"dns", "https", "email_domain"}:
        return subjects.shown_domain(subject)
    return subjects.ShownDomain(subject.removeprefix("https://"), "")
