"""A mail server on loopback that takes, refuses or drops what it is told to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.smtp import MailServer


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.taken: list[tuple[list[str], str]] = []
        self.recipient_answer = b"250 fine"
        self.end_answer = b"250 taken"
        self.hold = threading.Event()
        self.hold.set()
        self.asked = threading.Event()

    @property
    def address(self) -> MailServer:
        return MailServer("127.0.0.1", self.server_address[1], timeout=30)


class Session(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        recipients: list[str] = []
        self.say(b"220 here")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.say(b"354 go on")
                self.take(recipients)
            elif verb == b"RCPT":
                recipients.append(line.decode().strip()[9:-1])
                self.say(self.server.recipient_answer)
            elif verb == b"QUIT":
                self.say(b"221 bye")
                return
            else:
                self.say(b"250 fine")

    def take(self, recipients: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.server.asked.set()
        self.server.hold.wait(20)
        if self.server.end_answer.startswith(b"250"):
            self.server.taken.append((recipients, b"".join(lines).decode()))
        self.say(self.server.end_answer)

    def say(self, text: bytes) -> None:
        self.wfile.write(text + b"\r\n")


@contextmanager
def running() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
