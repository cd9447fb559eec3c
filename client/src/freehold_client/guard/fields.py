"""The vocabulary of fields: which carry a project's name or a file's, and what is never taken in any form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

from freehold_client.guard.errors import Unacceptable
from freehold_client.names import InvalidName, normalize

NAME_FIELDS = ("name", "project", "package", "project_name", "package_name", "distribution")
"""Fields that an index may take a project's name from. Core metadata has none of them but ``name``."""

FILE_NAME_FIELDS = ("filename", "file_name")
ACTION = ":action"
CONTENT = "content"
SIGNATURE = "gpg_signature"
FILE_FIELDS = (CONTENT, SIGNATURE)
"""The parts that may be files."""

MAX_VALUE = 512
"""Longest value of a field that is looked at."""

_WRITING_ACTIONS = frozenset({"file_upload", "submit", "submit_pkg_info", "doc_upload", "remove_pkg", "verify"})
# A leading colon for ":action" alone: some form parsers take what follows a later one for a type, as in "name:string".
_KEY = re.compile(r":action|[A-Za-z0-9_][A-Za-z0-9_.-]*").fullmatch
# They choose another method, or another encoding of all other fields.
_NEVER = frozenset({"_method", "_charset_"})
_ACTION_VALUE = re.compile(r"[a-z_]{1,32}").fullmatch
_VERSION_VALUE = re.compile(r"[!-~]{1,128}").fullmatch


class Vocabulary:
    """The fields that matter, with those that this index adds."""

    def __init__(self, extra_names: Iterable[str] = ()) -> None:
        self.names = frozenset((*NAME_FIELDS, *extra_names))
        self._special = self.names | {*FILE_NAME_FIELDS, *FILE_FIELDS, ACTION, "version"}

    def is_special(self, key: str) -> bool:
        """Whether the guard looks at the field's value, so that there may be one of it at most."""
        return key in self._special

    def check_key(self, key: str) -> None:
        """Refuse a key that an index might take for one that matters: ``Name``, ``name[]``, ``name `` ..."""
        if _KEY(key) is None:
            raise Unacceptable(f"A field has a name that is not taken here: {key[:80]!a}")
        self.check_spelling(key)

    def check_spelling(self, key: str) -> None:
        """Refuse what differs in case, separators, spaces, brackets or dots only from a field that matters."""
        folded = _fold(key)
        if folded in _NEVER:
            raise Unacceptable(f"The field {key[:80]!a} is not taken here.")
        if folded.strip("_") in self._special and key not in self._special:
            raise Unacceptable(f"A field is spelled like one that matters, but not quite: {key[:80]!a}")

    def check_query(self, query: str, *, writes: bool) -> None:
        """Refuse a query string that could pass for a body: some frameworks merge the two.

        A request that only reads may ask for ``:action=list_classifiers`` and have a ``name``, but may not write.
        """
        for pair in re.split("[&;]", query):
            key, _, value = pair.partition("=")
            key, value = _fold(unquote_plus(key)), unquote_plus(value).strip().lower()
            if key in _NEVER or (writes and key in self._special) or (key == ACTION and value in _WRITING_ACTIONS):
                raise Unacceptable(f"The query string has a field that is not taken there: {key[:80]!a}")


class Special:
    """The values of the fields that matter, each given once, and what they amount to."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._values: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        """A field that matters has this value. Raises for a second one."""
        if key in self._values:
            raise Unacceptable(f"The field {key!r} is there twice.")
        self._values[key] = value
        self._check(key, value)

    def _check(self, key: str, value: str) -> None:
        if key in self._vocabulary.names:
            check_name(value)
        elif key == ACTION and _ACTION_VALUE(value) is None:
            raise Unacceptable("The field ':action' is not a plain word.")
        elif key == "version" and _VERSION_VALUE(value) is None:
            raise Unacceptable("The field 'version' is not a plain version.")

    def get(self, key: str) -> str | None:
        """The value of a field, None without one."""
        return self._values.get(key)

    @property
    def names(self) -> tuple[str, ...]:
        """The values of the fields that carry names, in their order."""
        return tuple(value for key, value in self._values.items() if key in self._vocabulary.names)

    @property
    def filenames(self) -> tuple[str, ...]:
        """The values of the fields that carry a file's name."""
        return tuple(self._values[key] for key in FILE_NAME_FIELDS if key in self._values)


def check_name(value: str) -> str:
    """The normalized form of a value that must be a name just as it stands: an index may strip what surrounds it."""
    try:
        return normalize(value)
    except InvalidName as error:
        raise Unacceptable(str(error)) from error


def _fold(key: str) -> str:
    """The key as the most forgiving of indexes might read it."""
    key = re.sub(r"\[.*|\s+|[\x00-\x1f]", "", key.casefold())
    return re.sub(r"[-.]", "_", key)
