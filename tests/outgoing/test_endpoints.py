"""Settings of what goes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from freehold.outgoing import endpoints


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("forge.example:8443", ("forge.example", 8443)),
        ("Forge.Example.:443", ("forge.example", 443)),
        ("127.0.0.1:53", ("127.0.0.1", 53)),
        ("127.0.0.1", ("127.0.0.1", 99)),
        ("[::1]:53", ("::1", 53)),
        ("[0:0::1]", ("::1", 99)),
        ("::1", ("::1", 99)),
    ],
)
def test_host_and_port(text: str, endpoint: endpoints.Endpoint) -> None:
    assert endpoints.parse(text, 99) == endpoint


@pytest.mark.parametrize("text", ["", ":53", "a:b", "a:99999", "user@a:1", "https://a:1", "a:1/x", "[::1", "a\n:1"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError):
        endpoints.parse(text, 99)


def test_a_target_has_a_port() -> None:
    with pytest.raises(ValueError):
        endpoints.parse("forge.example")


class TestSettings:
    def test_words_are_kept_as_they_are_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALLOW", "forge.example:3000, [::1]:8000")
        monkeypatch.setenv("SERVERS", "9.9.9.9,127.0.0.1:5353,::1")
        assert endpoints.targets("ALLOW") == ["forge.example:3000", "[::1]:8000"]
        assert endpoints.name_servers("SERVERS") == ["9.9.9.9", "127.0.0.1:5353", "::1"]

    def test_nothing_is_nothing(self) -> None:
        assert endpoints.targets("NOT_SET") == endpoints.name_servers("NOT_SET") == []
        assert endpoints.file("NOT_SET") == ""

    @pytest.mark.parametrize("word", ["forge.example", "https://forge.example", "forge.example:x"])
    def test_a_target_without_a_port_refuses_to_start(self, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
        monkeypatch.setenv("ALLOW", word)
        with pytest.raises(ImproperlyConfigured, match="ALLOW must be host:port"):
            endpoints.targets("ALLOW")

    @pytest.mark.parametrize("word", ["dns.example", "dns.example:53", "9.9.9.9:0:1"])
    def test_a_name_server_without_an_address_refuses_to_start(
        self, monkeypatch: pytest.MonkeyPatch, word: str
    ) -> None:
        monkeypatch.setenv("SERVERS", word)
        with pytest.raises(ImproperlyConfigured, match="SERVERS must be IP addresses"):
            endpoints.name_servers("SERVERS")

    def test_a_file_that_is_not_there_refuses_to_start(self, monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
        monkeypatch.setenv("CA", str(nowhere))
        with pytest.raises(ImproperlyConfigured, match="CA must name a file"):
            endpoints.file("CA")
        nowhere.touch()
        assert endpoints.file("CA") == str(nowhere)
