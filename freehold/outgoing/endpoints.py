"""``host:port``, as the operator's settings have it, and the settings that have such: read once, at start-up."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from freehold import env

Endpoint = tuple[str, int]


def parse(text: str, default_port: int | None = None) -> Endpoint:
    """Host, lower-case and without brackets, and port; raises ``ValueError``. A bare IPv6 address has no port."""
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    parts = urlsplit(f"//{text}")
    port = parts.port or default_port
    if not parts.hostname or port is None or parts.netloc != text or parts.username is not None:
        raise ValueError(f"{text!r} is not host:port")
    return canonical(parts.hostname), port


def canonical(host: str) -> str:
    """One spelling for one host: lower-case, no final dot, an IP address in its shortest form."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower().removesuffix(".")


def name_servers(name: str) -> list[str]:
    """The setting's words, each an IP address with or without a port."""
    return [_checked(name, word, default_port=53, only_addresses=True) for word in env.words(name)]


def targets(name: str) -> list[str]:
    """The setting's words, each ``host:port``."""
    return [_checked(name, word) for word in env.words(name)]


def of_site(url: str) -> list[str]:
    """The ``host:port`` behind an address; nothing for what is none."""
    parts = urlsplit(url)
    return [f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"] if parts.hostname else []


def file(name: str) -> str:
    """The setting's path, of a file that is there; or nothing."""
    path = env.text(name)
    if path and not Path(path).is_file():
        raise ImproperlyConfigured(f"{name} must name a file; there is none at {path!r}.")
    return path


def _checked(name: str, word: str, *, default_port: int | None = None, only_addresses: bool = False) -> str:
    try:
        host, _ = parse(word, default_port)
        if only_addresses:
            ip_address(host)
    except ValueError as error:
        form = "IP addresses, each with or without a port" if only_addresses else "host:port, separated by commas"
        raise ImproperlyConfigured(f"{name} must be {form}; {word!r} is not.") from error
    return word
