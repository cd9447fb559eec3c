"""Whom the server runs as, and what that user must be able to reach.

PostgreSQL refuses to run as root. When root starts Freehold, the server runs as an existing unprivileged
user: none is created, and nothing but the server's own directories changes its owner.
"""

import logging
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .errors import EmbeddedPostgresError

logger = logging.getLogger(__name__)

UNPRIVILEGED_USERS = ("postgres", "nobody")
ROOT = 0


class ProcessIdentity(TypedDict, total=False):
    """The arguments of ``subprocess`` that switch the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group by number; the number need not have a name, as in many containers."""

    uid: int
    gid: int

    @property
    def differs(self) -> bool:
        """Whether this process runs as somebody else."""
        return self.uid != os.geteuid()

    def process_identity(self) -> ProcessIdentity:
        """Arguments for ``subprocess`` that start a process as this account."""
        if not self.differs:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make this account the owner of one file or directory."""
        if self.differs:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def may_enter(self, status: os.stat_result) -> bool:
        """Whether the permission bits let this account pass through a directory."""
        return bool(status.st_mode & self._bit_that_counts(status))

    def _bit_that_counts(self, status: os.stat_result) -> int:
        """The execute bit that the kernel looks at: owner's, group's or everybody's."""
        if status.st_uid == self.uid:
            return stat.S_IXUSR
        return stat.S_IXGRP if status.st_gid == self.gid else stat.S_IXOTH

    def open_way_to(self, path: Path) -> None:
        """Let this account pass through the directories above ``path``: one bit where it is missing."""
        for directory in reversed(path.parents):
            status = directory.stat()
            if self.differs and not self.may_enter(status):
                directory.chmod(stat.S_IMODE(status.st_mode) | self._bit_that_counts(status))
                logger.warning("Made %s passable (x) for the database's user %d.", directory, self.uid)

    def let_read(self, tree: Path) -> None:
        """Let everybody read the programs below ``tree``; a strict umask at installation can forbid it."""
        if not self.differs or (tree.stat().st_mode & stat.S_IROTH):
            return
        logger.warning("Made the programs in %s readable for the database's user %d.", tree, self.uid)
        for path in (tree, *tree.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                readable = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
                path.chmod(stat.S_IMODE(mode) | readable)


def server_account(data: Path) -> Account:
    """Who runs the server on ``data``: the caller, or for root the directory's owner or a system user."""
    caller, owner = os.geteuid(), _owner(data)
    if caller != ROOT:
        if owner is not None and owner.uid != caller:
            raise EmbeddedPostgresError(
                f"The database in {data} belongs to user {_name(owner.uid)}: start Freehold as that user or "
                "as root, or set DATABASE_URL to another server."
            )
        return Account(caller, os.getegid())
    if owner is not None and owner.uid != ROOT:
        return owner
    return _unprivileged_account()


def _owner(path: Path) -> Account | None:
    """The owner of ``path``, or None when it does not exist."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Account(status.st_uid, status.st_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _unprivileged_account() -> Account:
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root and there is neither a user postgres nor nobody: "
        "start Freehold as an ordinary user, or set DATABASE_URL to another server."
    )
