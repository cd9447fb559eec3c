"""The name of a built distribution: what its file is called, and what the metadata inside say.

An index may go by either, so for a check before the upload the two must agree.
"""

from __future__ import annotations

import tarfile
import zipfile
from email.parser import BytesHeaderParser
from pathlib import Path

from freehold_client.names import InvalidName, normalize

METADATA_LIMIT = 2**22
"""Bytes of metadata that are read: a long description included, four million are enough."""

_MEMBERS_LIMIT = 100_000


class InvalidDistribution(ValueError):
    """The file is no wheel or source distribution that an index would take. The message is one sentence."""


def read_name(path: str | Path) -> str:
    """The normalized name of a wheel or source distribution. Raises ``InvalidDistribution``, ``OSError``."""
    path = Path(path)
    by_file = name_in_filename(path.name)
    try:
        metadata = _wheel_metadata(path) if path.name.endswith(".whl") else _sdist_metadata(path)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError, RuntimeError, NotImplementedError) as error:
        raise InvalidDistribution(f"{path.name} can't be opened: {error}.") from error
    by_metadata = _name_in_metadata(path, metadata)
    if by_file != by_metadata:
        raise InvalidDistribution(
            f"{path.name} is called '{by_file}', but its metadata say '{by_metadata}': an index may take it for either."
        )
    return by_file


def name_in_filename(filename: str) -> str:
    """The normalized name in a file name (packaging specification, "File name convention"). Raises
    ``InvalidDistribution``."""
    if filename.endswith(".whl"):
        parts = filename[: -len(".whl")].split("-")
        name = parts[0] if len(parts) in {5, 6} else ""
    elif filename.endswith(".tar.gz"):
        name = filename[: -len(".tar.gz")].rpartition("-")[0]  # older ones have hyphens in the name
    else:
        raise InvalidDistribution(f"{filename} is neither a wheel (.whl) nor a source distribution (.tar.gz).")
    try:
        return normalize(name)
    except InvalidName as error:
        raise InvalidDistribution(f"{filename} is not named as a distribution must be.") from error


def _wheel_metadata(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        found = [entry for entry in archive.infolist() if _is_metadata(entry.filename, ".dist-info", "METADATA")]
        if len(found) != 1:
            raise InvalidDistribution(f"{path.name} has {len(found)} METADATA files in place of one.")
        with archive.open(found[0]) as file:
            return file.read(METADATA_LIMIT)


def _sdist_metadata(path: Path) -> bytes:
    with tarfile.open(path, "r:gz") as archive:
        for count, member in enumerate(archive):
            if count >= _MEMBERS_LIMIT:
                break
            if _is_metadata(member.name, "", "PKG-INFO") and member.isfile():
                file = archive.extractfile(member)
                return b"" if file is None else file.read(METADATA_LIMIT)
    raise InvalidDistribution(f"{path.name} has no PKG-INFO.")


def _is_metadata(member: str, directory_ends: str, name: str) -> bool:
    directory, _, rest = member.removeprefix("./").partition("/")
    return rest == name and directory.endswith(directory_ends)


def _name_in_metadata(path: Path, metadata: bytes) -> str:
    names = BytesHeaderParser().parsebytes(metadata).get_all("Name", [])
    if len(names) != 1:
        raise InvalidDistribution(f"The metadata of {path.name} have {len(names)} names in place of one.")
    try:
        return normalize(str(names[0]).strip())
    except InvalidName as error:
        raise InvalidDistribution(f"The metadata of {path.name} have no valid name: {error}") from error
