"""A guarded index in a process of its own, which says at the end how much memory it has ever had.

Prints its port; on the first line of its input, prints its peak in KiB, before and after, and what the index counted.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from freehold_client.decisions import Decision, Publisher
from freehold_client.guard import Limits, NamespaceGuard
from guard.servers import wsgiref_server


class Allow:
    def check_upload(self, name: str, publisher: Publisher, **_: Any) -> Decision:
        return Decision(name == "plain", 200 if name == "plain" else 409, "test", name, f"{name} is for others")


class Counting:
    """Reads in pieces, as an index must that takes large files."""

    total = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        while piece := environ["wsgi.input"].read(65536):
            self.total += len(piece)
        start_response("200 OK", [("Content-Length", "0")])
        return []


def peak() -> int:
    """KiB. From the kernel's count for this program where there is one: the other begins with the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    index = Counting()
    guard = NamespaceGuard(index, Allow(), identify=lambda _: None, limits=Limits(spool_dir=sys.argv[1]))
    with wsgiref_server(guard) as port:
        before = peak()
        print(port, flush=True)
        sys.stdin.readline()
    print(json.dumps({"before": before, "after": peak(), "total": index.total}), flush=True)


if __name__ == "__main__":
    main()
