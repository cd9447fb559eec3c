"""The snapshot on disk: what a restart begins with, and what a broken or full disk does."""

from __future__ import annotations

import errno
import json
import os
import subprocess

import pytest

from fakes import ALICE, down, grant, organization, reason
from freehold_client import store as store_module


class TestDisk:
    def again(self, make_client, world, tmp_path, **options):
        return make_client(world.url, cache_dir=tmp_path / "cache", **options)

    def test_a_restart_while_down(self, client, world, make_client, tmp_path, clock) -> None:
        world.misbehave = down
        clock.go_on(100)
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot_age == pytest.approx(100)
        assert reason(second, "outside") == "outside"
        assert reason(second, "acme-x") == "unavailable"
        assert reason(second, "acme-x", ALICE) == "snapshot-holder"

    def test_all_that_is_known_comes_back(self, world, make_client, tmp_path) -> None:
        world.put(
            grant(
                "b", "acme", shares=[{"organization": "f", "expires_at": "2030-01-01T00:00:00.500000Z"}], state="locked"
            ),
            grant(
                "c",
                "acme",
                publishers=[{"organization": "acme", "user": "t"}],
                effective_at="2026-01-02T03:04:05.678901Z",
            ),
            organization(
                "f", "x", "y", trusted_publishers=[{"issuer": "i", "claims": {"a": "b", "c": "d*"}}], standing="grace"
            ),
            organization("renamed", former_names=["earlier", "first"]),
        )
        for number in range(1200):
            world.put(grant(f"many{number}", "acme"))
        first = self.again(make_client, world, tmp_path)
        first.refresh()
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot.grants == first.snapshot.grants
        assert second.snapshot.organizations == first.snapshot.organizations
        assert second.snapshot.revision == first.snapshot.revision

    def test_is_followed_from_there(self, client, world, make_client, tmp_path) -> None:
        world.change("grant", "new", grant("new", "acme"))
        second = self.again(make_client, world, tmp_path)
        assert second.refresh()
        assert (second.counters["snapshots_taken"], second.snapshot.revision) == (0, 8)

    def test_too_old_after_a_long_stop(self, client, world, make_client, tmp_path, clock) -> None:
        clock.go_on(3601)
        world.misbehave = down
        assert reason(self.again(make_client, world, tmp_path), "outside") == "unavailable"

    def test_close_writes_what_is_known(self, client, world, make_client, tmp_path, clock) -> None:
        world.change("grant", "new", grant("new", "acme"))
        clock.go_on(10)
        client.refresh()
        client.close()
        second = self.again(make_client, world, tmp_path)
        assert (second.snapshot.revision, second.snapshot_age) == (8, 0)

    def test_confirmations_are_kept_without_writing_it_all_again(
        self, client, world, make_client, tmp_path, clock
    ) -> None:
        written = (tmp_path / "cache" / "snapshot").stat().st_mtime_ns
        clock.go_on(301)
        client.refresh()
        assert (tmp_path / "cache" / "snapshot").stat().st_mtime_ns == written
        clock.go_on(5)
        assert self.again(make_client, world, tmp_path).snapshot_age == 5

    def test_a_confirmation_of_another_file_counts_for_nothing(
        self, client, world, make_client, tmp_path, clock
    ) -> None:
        clock.go_on(301)
        client.refresh()
        confirmed = tmp_path / "cache" / "confirmed"
        kept = json.loads(confirmed.read_text())
        confirmed.write_text(json.dumps({**kept, "digest": "0"}))
        assert self.again(make_client, world, tmp_path).snapshot_age == 301
        confirmed.write_text("{")
        assert self.again(make_client, world, tmp_path).snapshot_age == 301

    @pytest.mark.parametrize("keep", [0, 1, 10, 100, -2, -60, -200])
    def test_a_truncated_file(self, client, world, make_client, tmp_path, keep) -> None:
        path = tmp_path / "cache" / "snapshot"
        path.write_bytes(path.read_bytes()[:keep])
        self.refused(make_client, world, tmp_path)

    @pytest.mark.parametrize(
        "content", [b"\x00" * 5000, b"\n\n\n", b"null\nnull\n", b"[" * 100_000, b'{"sha256":"x"}\n', b"\xff\xfe" * 50]
    )
    def test_garbage(self, client, world, make_client, tmp_path, content) -> None:
        (tmp_path / "cache" / "snapshot").write_bytes(content)
        self.refused(make_client, world, tmp_path)

    def test_every_flipped_byte_is_noticed(self, client, world, make_client, tmp_path) -> None:
        path = tmp_path / "cache" / "snapshot"
        whole = path.read_bytes()
        for position in range(0, len(whole), 17):
            damaged = bytearray(whole)
            damaged[position] ^= 1
            path.write_bytes(damaged)
            self.refused(make_client, world, tmp_path)

    def refused(self, make_client, world, tmp_path) -> None:
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot is None
        assert second.counters["restore_failures"] == 1
        assert second.refresh()
        assert reason(second, "outside") == "outside"

    def test_another_freeholds_snapshot(self, client, world, make_client, tmp_path) -> None:
        other = make_client(world.url + "/other", cache_dir=tmp_path / "cache")
        assert other.snapshot is None

    def test_a_directory_in_its_place(self, world, make_client, tmp_path) -> None:
        (tmp_path / "cache" / "snapshot").mkdir(parents=True)
        client = self.again(make_client, world, tmp_path)
        assert client.counters["restore_failures"] == 1
        assert client.refresh()
        assert client.counters["persist_failures"] == 1

    def test_disk_full(self, client, world, make_client, tmp_path, clock, monkeypatch, caplog) -> None:
        """The old file stays as it is; uploads don't notice; the next time works."""

        def full(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        world.change("grant", "new", grant("new", "acme"))
        clock.go_on(301)
        with monkeypatch.context() as patched:
            patched.setattr(store_module.os, "fsync", full)
            assert client.refresh()
            client.close()
        assert client.counters["persist_failures"] == 2
        assert "persist.failed" in [record.freehold["event"] for record in caplog.records]
        assert reason(client, "outside") == "outside"
        assert [path.name for path in (tmp_path / "cache").iterdir()] == ["snapshot"]
        assert self.again(make_client, world, tmp_path).snapshot.revision == 7
        client.close()
        assert self.again(make_client, world, tmp_path).snapshot.revision == 8

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
    def test_a_disk_that_is_really_full(self, world, make_client, tmp_path) -> None:
        mounted = tmp_path / "cache"
        mounted.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)], check=False).returncode:
            pytest.skip("no tmpfs here")
        try:
            for number in range(3000):
                world.put(grant(f"many{number}", "acme"))
            client = self.again(make_client, world, tmp_path)
            assert client.refresh()
            assert client.counters["persist_failures"] == 1
            assert list(mounted.iterdir()) == []
            assert reason(client, "outside") == "outside"
        finally:
            subprocess.run(["umount", str(mounted)], check=True)

    def test_a_directory_that_cannot_be_made(self, world, make_client, tmp_path) -> None:
        (tmp_path / "file").write_text("")
        client = make_client(world.url, cache_dir=tmp_path / "file" / "cache")
        assert client.refresh()
        assert client.counters["persist_failures"] == 1

    def test_killed_while_writing(self, client, world, make_client, tmp_path, monkeypatch, clock) -> None:
        """What a stopped process left is not read, and is cleared away later."""
        left = tmp_path / "cache" / "snapshot.abc.new"
        left.write_bytes(b"half")
        os.utime(left, (clock.wall - 7200, clock.wall - 7200))
        world.change("grant", "new", grant("new", "acme"))
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot.revision == 7
        second.refresh()
        second.close()
        assert not left.exists()

    def test_is_for_the_index_alone_to_read(self, client, tmp_path) -> None:
        assert (tmp_path / "cache" / "snapshot").stat().st_mode & 0o077 == 0
