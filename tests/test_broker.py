"""The embedded broker: a worker never sees half a message."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from freehold import broker

broker.register()


def connection(folder: Path) -> Connection:
    for name in ("messages", "control"):
        (folder / name).mkdir(exist_ok=True)
    options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        "store_processed": False,
    }
    return Connection("folder://", transport_options=options)


def queue(opened: Any, name: str) -> Any:
    """By a name for each test: kombu remembers for its whole process which queues it has set up."""
    return SimpleQueue(opened, name, serializer="json", no_ack=True)


def test_messages_come_in_their_order(tmp_path: Path) -> None:
    with connection(tmp_path) as opened:
        jobs = queue(opened, "ordered")
        for number in range(5):
            jobs.put({"number": number})
        assert [jobs.get(timeout=2).payload["number"] for _ in range(5)] == [0, 1, 2, 3, 4]


def test_what_is_being_written_is_no_message_yet(tmp_path: Path) -> None:
    with connection(tmp_path) as opened:
        (tmp_path / "messages" / "000000000000001_x.unfinished.msg.part").write_text("")
        waiting = queue(opened, "unfinished")
        with pytest.raises(waiting.Empty):
            waiting.get(block=False)


def _send(folder: Path, first: int) -> None:
    with connection(folder) as opened:
        jobs = queue(opened, "many")
        for number in range(first, first + 200):
            jobs.put({"number": number, "filler": "x" * 20_000})


@pytest.mark.slow
def test_nothing_is_lost_or_broken_while_many_write(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_send, args=(tmp_path, 1000 * n)) for n in range(3)]
    with connection(tmp_path) as opened:
        jobs = queue(opened, "many")
        for writer in writers:
            writer.start()
        found = {jobs.get(timeout=30).payload["number"] for _ in range(600)}
        for writer in writers:
            writer.join()
    assert found == {1000 * n + number for n in range(3) for number in range(200)}
