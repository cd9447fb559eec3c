"""The demo's DNS as its visitors and Freehold meet it: a real process, its file, its page."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import psutil
import pytest
from django.test import Client

from freehold.demo import dns as demo_dns
from freehold.demo import records
from freehold.outgoing import dns as asking
from freehold.outgoing.errors import NotThere, Unreachable
from freehold.programs import free_dns_port
from tests import dnsserver

NAME = "_freehold.acme.example"
PAGE = "/demo/dns/"
MEMORY = 40 * 2**20


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    settings.FREEHOLD_DEMO_DNS = tmp_path / "var" / "demo-dns.json"
    return Path(settings.FREEHOLD_DEMO_DNS)


@pytest.fixture
def served(file: Path, settings: Any) -> Iterator[Path]:
    udp, tcp = demo_dns.serve(demo_dns.Zone(file, []), 0)
    settings.FREEHOLD_DNS_SERVERS = [f"127.0.0.1:{tcp.server_address[1]}"]
    yield file
    for server in (udp, tcp):
        server.shutdown()
        server.server_close()


def test_published_and_taken_away(served: Path) -> None:
    with pytest.raises(NotThere):
        asking.txt(NAME)
    records.publish(served, NAME, "one")
    records.publish(served, NAME, "two — zwei")
    assert sorted(asking.txt(NAME)) == ["one", "two — zwei"]
    assert asking.txt(NAME.upper())
    records.remove(served, NAME, "one")
    assert asking.txt(NAME) == ["two — zwei"]
    records.remove(served, NAME, "two — zwei")
    records.remove(served, NAME, "never there")
    with pytest.raises(NotThere):
        asking.txt(NAME)


def test_what_does_not_fit_into_a_datagram(served: Path) -> None:
    for number in range(10):
        records.publish(served, NAME, f"{number}" * 400)
    assert len(asking.txt(NAME)) == 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["acme.example", "example", "x.test", "www.example.com"])
def test_examples_are_nowhere_else(served: Path, name: str) -> None:
    with pytest.raises(NotThere):
        asking.txt(name)


def test_a_name_above_a_record_is_there_without_records(served: Path) -> None:
    records.publish(served, NAME, "one")
    for name in ("acme.example", "example"):
        with pytest.raises(NotThere, match="no such record"):
            asking.txt(name)
    with pytest.raises(NotThere):
        asking.addresses(NAME)


def test_what_nobody_can_be_asked_for_is_not_gone(served: Path) -> None:
    with pytest.raises(Unreachable):
        asking.txt("acme.dev")


def test_other_names_are_asked_for_elsewhere(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with dnsserver.serving() as world:
        world.set("acme.dev", "TXT", "from the world")
        port = int(world.address.rpartition(":")[2])
        ask = dns.query.udp_with_fallback
        monkeypatch.setattr(
            dns.query, "udp_with_fallback", lambda query, where, timeout: ask(query, where, timeout, port)
        )
        answer = demo_dns.Zone(file, ["127.0.0.1"]).answer(dns.message.make_query("acme.dev", "TXT"))
    assert "from the world" in answer.to_text()


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"a": 1}', '{"a..b": []}'])
def test_a_file_that_makes_no_sense_is_an_empty_one(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(content)
    answer = demo_dns.Zone(file, []).answer(dns.message.make_query(NAME, "TXT"))
    assert answer.rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("wire", [b"", b"\x00", b"\xff" * 60])
def test_what_is_no_query_gets_no_answer(file: Path, wire: bytes) -> None:
    assert demo_dns._reply(demo_dns.Zone(file, []), wire, tcp=False) is None


def test_there_is_an_end_to_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_NAMES", 2)
    monkeypatch.setattr(records, "MOST_VALUES", 2)
    for name, value in [("a.example", "1"), ("a.example", "2"), ("b.example", "1")]:
        records.publish(file, name, value)
    before = file.read_text()
    for name in ("a.example", "c.example"):
        with pytest.raises(records.Full):
            records.publish(file, name, "3")
    assert file.read_text() == before


def test_the_process_is_small_and_knows_no_django(file: Path, settings: Any) -> None:
    port = free_dns_port(0)
    records.publish(file, NAME, "one")
    command = [sys.executable, "-m", "freehold.demo.dns", f"--port={port}", f"--records={file}"]
    with subprocess.Popen(command) as process:
        try:
            settings.FREEHOLD_DNS_SERVERS = [f"127.0.0.1:{port}"]
            assert _patiently() == ["one"]
            assert psutil.Process(process.pid).memory_info().rss < MEMORY
            maps = Path(f"/proc/{process.pid}/maps")
            assert not maps.exists() or "psycopg" not in maps.read_text()
        finally:
            process.terminate()
    check = "import freehold.demo.dns, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def _patiently() -> list[str]:
    end = time.monotonic() + 10
    while True:
        try:
            return asking.txt(NAME, seconds=1)
        except Unreachable:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.django_db
class TestPage:
    def test_publish_and_remove(self, file: Path, client: Client) -> None:
        assert "No record yet" in client.get(PAGE).content.decode()
        client.post(PAGE, {"name": "_Freehold.ACME.example.", "value": '"<quoted> "'})
        assert records.read(file) == {NAME: ['"<quoted> "']}
        assert "&lt;quoted&gt;" in client.get(PAGE).content.decode()
        client.post(f"{PAGE}remove/", {"name": NAME, "value": '"<quoted> "'})
        assert records.read(file) == {}

    def test_a_link_fills_the_form(self, file: Path, client: Client) -> None:
        page = client.get(PAGE, {"name": NAME, "value": "freehold-verification=x"}).content.decode()
        assert f'value="{NAME}"' in page
        assert 'value="freehold-verification=x"' in page

    @pytest.mark.parametrize(
        ("name", "value"),
        [("", "x"), (NAME, ""), ("a b", "x"), ("x" * 2000, "x"), (NAME, "x" * 501), (NAME, "\x00"), ("\x00", "x")],
    )
    def test_no_input_breaks_it(self, file: Path, client: Client, name: str, value: str) -> None:
        assert client.post(PAGE, {"name": name, "value": value}).status_code == 422
        assert client.post(f"{PAGE}remove/", {"name": name, "value": value}).status_code == 302
        assert records.read(file) == {}

    def test_a_full_one_says_so(self, file: Path, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "MOST_NAMES", 0)
        response = client.post(PAGE, {"name": NAME, "value": "x"})
        assert (response.status_code, "is full" in response.content.decode()) == (422, True)
