"""Running Freehold's commands, in this process and as processes of their own."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection

from tests.dump import nothing_changes

QUOTED = re.compile(r"'[^'\n]*'")


def run(command: str, *arguments: str) -> str:
    """What it prints on standard output; nothing goes to standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    assert err.getvalue() == ""
    return out.getvalue()


def refused(command: str, *arguments: str) -> str:
    """The one sentence with which it is refused; nothing is changed and the exit status is 1."""
    with nothing_changes(), pytest.raises(CommandError) as refusal:
        run(command, *arguments)
    assert refusal.value.returncode == 1
    message = str(refusal.value)
    assert is_one_sentence(message), message
    return message


def is_one_sentence(message: str) -> bool:
    return message.isprintable() and message.endswith(".") and ". " not in QUOTED.sub("…", message)


def help_of(app: str, command: str) -> str:
    """Its ``--help``, in one line."""
    return " ".join(load_command_class(app, command).create_parser("manage.py", command).format_help().split())


def database_url() -> str:
    """The address of the test's database, for other processes."""
    database = connection.settings_dict
    host = quote(str(database["HOST"]), safe="")
    secret = f":{quote(str(database['PASSWORD']))}" if database["PASSWORD"] else ""
    url = f"postgresql://{quote(str(database['USER']))}{secret}@/{database['NAME']}?host={host}"
    return f"{url}&port={database['PORT']}" if database["PORT"] else url


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as somebody with a shell runs it, on the test's database; what it changes is committed."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url(), "FREEHOLD_VAR": str(Path(settings.VAR_DIR))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
