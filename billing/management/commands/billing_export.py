from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing.exports.files import File
from billing.exports.kinds import Export, files_of
from billing.services.periods import close_month
from billing.services.recognition import last_finished_month, recognize
from freehold.commands import FreeholdCommand


class Command(FreeholdCommand):
    help = (
        "Write a month of the ledger as CSV files: journals for QuickBooks and Xero, invoices, tax by jurisdiction, "
        "payouts, the trial balance. Of a closed month they are the same, byte for byte, every time; those of an open "
        "one are called preliminary. With --close the month is closed first, and what comes late is booked in the next."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", type=_month, help="such as 2026-11; the last one that is over, if left out")
        parser.add_argument("--kind", choices=Export.values, action="append", help="again for more; all, if left out")
        parser.add_argument("--to", type=Path, default=Path(), help="the folder; this one, if left out")
        parser.add_argument("--close", action="store_true", help="close the month first; it is never opened again")

    def perform(self, *, month: date | None, kind: list[str] | None, to: Path, close: bool, **options: Any) -> str:
        wanted = month or last_finished_month()
        if close:
            close_month(actor=self.actor, month=wanted)
        recognize()
        files = [file for each in kind or Export.values for file in files_of(Export(each), wanted)]
        return "\n".join(str(_written(to, file)) for file in files)


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no month; write it like 2026-11.") from None


def _written(folder: Path, file: File) -> Path:
    path = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    return path
