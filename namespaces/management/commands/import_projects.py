from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser, OutputWrapper
from django.db import OperationalError

from freehold.commands import FreeholdCommand
from namespaces.readers import BadLine, Format, Row, UnreadableFile, read
from namespaces.services.imports import ImportResult, Phase, Step, import_projects

BAD_LINES_SHOWN = 20
INTERRUPTED = 130  # as a shell has it: 128 and the number of SIGINT
_BAR_WIDTH = 30


class Command(FreeholdCommand):
    help = (
        "Import the index's catalogue of projects into the mirror. "
        "FILE is TSV, CSV, NDJSON or a PEP 691 project list in JSON, in UTF-8, gzipped or not. "
        "The first line of TSV and CSV names the columns, as the keys of NDJSON do: 'name'; optionally 'owner', an "
        "organization's name or 'user:NAME'; optionally 'first_uploaded', a time such as 2021-03-04T05:06:07Z or a "
        "date. Others are ignored. "
        "What is empty leaves what is known. A new project without a time counts as first uploaded when the import "
        "began, and only projects that were there before a namespace was granted go on as before: so import the "
        "catalogue before granting. "
        "Lines that cannot be used are reported and skipped. Projects that are not in FILE stay. "
        "An import that was stopped is finished by running it again; what is there already is not written again. "
        "The exit status is 1 when nothing could be imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the catalogue; - reads standard input")
        parser.add_argument(
            "--format", dest="form", choices=[form.value for form in Format],
            help="json is a PEP 691 project list; left out, the format is recognized from the content",
        )  # fmt: skip
        parser.add_argument("--strict", action="store_true", help="change nothing when any line cannot be used")
        parser.add_argument("--no-progress", action="store_true", help="show no progress bar")

    def perform(self, *, file: str, form: str | None, strict: bool, no_progress: bool, **options: Any) -> None:
        with _opened(file) as source:
            console = _Console(self.stderr, None if no_progress else source)
            lines = _Lines(console, strict)
            rows = lines.usable(read(source, Format(form) if form else None))
            with _explained(console):
                result = import_projects(actor=self.actor, rows=rows, progress=console.show)
        console.say(_summary(result, lines.bad))
        if not result.read:
            raise CommandError("Nothing was imported: there was no line that could be used.")


def _summary(result: ImportResult, bad: int) -> str:
    counts = f"{result.new:,} new, {result.changed:,} changed, {result.unchanged:,} unchanged"
    again = f", {result.again:,} given again" if result.again else ""
    return f"{result.read + bad:,} read: {counts}{again}, {bad:,} skipped."


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115 - only what goes wrong in opening is to be caught
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    with source:
        yield source


@contextmanager
def _explained(console: _Console) -> Iterator[None]:
    """Turn what stops an import into one sentence that says what was kept."""
    try:
        yield
    except UnreadableFile as error:
        raise CommandError(f"{error} Nothing was changed.") from error
    except OperationalError as error:
        reason = str(error).partition("\n")[0]
        raise CommandError(f"The database stopped the import: {reason}. {console.kept()}") from error
    except KeyboardInterrupt as error:
        raise CommandError(f"Interrupted. {console.kept()}", returncode=INTERRUPTED) from error
    finally:
        console.clear()


class _Lines:
    """Tells of the bad lines, and counts them."""

    def __init__(self, console: _Console, strict: bool) -> None:
        self.bad = 0
        self._console = console
        self._strict = strict

    def usable(self, lines: Iterator[Row | BadLine]) -> Iterator[Row]:
        for line in lines:
            if isinstance(line, Row):
                yield line
            else:
                self._report(line)
        if self.bad > BAD_LINES_SHOWN:
            self._console.say(f"… and {self.bad - BAD_LINES_SHOWN:,} more.")

    def _report(self, line: BadLine) -> None:
        if self._strict:
            raise CommandError(f"{line.place}: {line.reason} Nothing was changed.")
        self.bad += 1
        if self.bad <= BAD_LINES_SHOWN:
            self._console.say(f"{line.place}: {line.reason}")


class _Console:
    """Standard error: sentences and, on a terminal, one bar that is drawn over and over below them."""

    def __init__(self, stderr: OutputWrapper, source: BinaryIO | None) -> None:
        """``source``: the file whose reading is shown; None shows no bar."""
        self._stderr = stderr
        self._source = source if stderr.isatty() else None
        self._size = _size(self._source) if self._source else None
        self._step: Step | None = None

    def show(self, step: Step) -> None:
        self._step = step
        if self._source:
            self._write("\r\x1b[K" + self._bar(self._source, step))

    def say(self, sentence: str) -> None:
        self.clear()
        self._write(sentence + "\n")

    def clear(self) -> None:
        if self._source:
            self._write("\r\x1b[K")

    def kept(self) -> str:
        step = self._step
        if step is None or step.phase is Phase.READING:
            return "Nothing was changed."
        return f"{step.done:,} of {step.total:,} names are merged and stay; run it again for the rest."

    def _bar(self, source: BinaryIO, step: Step) -> str:
        done, total = step.done, step.total
        if step.phase is Phase.READING and self._size:
            done, total = source.tell(), self._size
        if not total:
            return f"{step.phase.capitalize()}: {step.done:,}"
        filled = _BAR_WIDTH * done // total
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        return f"{step.phase.capitalize()} {bar} {100 * done // total:3d} %: {step.done:,}"

    def _write(self, text: str) -> None:
        self._stderr.write(text, style_func=str, ending="")
        self._stderr.flush()


def _size(source: BinaryIO) -> int | None:
    """How many bytes a regular file has; a pipe does not say."""
    try:
        status = os.fstat(source.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
