"""Names: spelled otherwise, given twice, read as reserved once stripped, or at odds with the file's."""

from __future__ import annotations

from collections.abc import Iterator

from guard.cases.case import DISPOSITION, Case, mp
from guard.made import EVIL, EVIL_FILE, PLAIN, PLAIN_FILE, field, file, part, upload


def straight() -> Iterator[Case]:
    """Well-formed uploads of reserved names: refused for what they are."""
    for name, filename in [
        ("acme-evil", "acme_evil-1.0.tar.gz"),
        ("acme", "acme-1.0.tar.gz"),
        ("ACME.Evil", "ACME.Evil-1.0.zip"),
        ("acme__evil", "acme__evil-1.0.tar.gz"),
        ("a.c", "acme_evil-1.0.tar.gz"),
        ("Acme-.-Evil", "acme_evil-1.0-py3-none-any.whl"),
        ("acme-evil", "acme-evil-1.0.tar.gz"),
        ("acme-evil", "acme_evil-1.0-1-py2.py3-none-any.whl"),
        ("kk-x", "kk_x-1.0.tgz"),
        ("acme-evil", "acme_evil-1.0-py3.9.egg"),
    ]:
        yield Case(f"straight-{name}-{filename}", mp(upload(name, filename)), (409, 400))
    for action in ("submit", "doc_upload", "remove_pkg", "verify", "file_upload", "anything"):
        yield Case(f"straight-action-{action}", mp([field(":action", action), field("name", EVIL)]), (409,))
    yield Case("straight-no-action", mp([field("name", EVIL), file(EVIL_FILE)]), (409,))
    yield Case("straight-name-last", mp([file(EVIL_FILE), field("name", EVIL)]), (409,))
    yield Case(
        "straight-doc-upload",
        mp([field(":action", "doc_upload"), field("name", EVIL), file("acme-evil.zip")]),
        (409,),
    )


def fields() -> Iterator[Case]:
    """Fields twice, or spelled otherwise."""
    yield Case("twice-name-plain-first", mp(upload(PLAIN, PLAIN_FILE, field("name", EVIL))))
    yield Case("twice-name-evil-first", mp([field("name", EVIL), *upload()]))
    yield Case("twice-name-same", mp([field("name", PLAIN), *upload()]))
    yield Case("twice-content", mp([*upload(), file(EVIL_FILE)]))
    yield Case("twice-content-evil-first", mp([file(EVIL_FILE), *upload()]))
    yield Case("twice-action", mp([field(":action", "submit"), *upload()]))
    yield Case("twice-version", mp([field("version", "2.0"), *upload()]))
    for key in (
        "Name",
        "NAME",
        "name[]",
        "name[0]",
        " name",
        "name ",
        "name.",
        "name:string",
        ":name",
        "name\t",
        "_name",
        "name__",
    ):
        yield Case(f"extra-{key!r}", mp([field(key, EVIL), *upload()]))
    for key in ("project", "package", "package_name", "project_name", "distribution", "Project", "package-name"):
        yield Case(f"alias-{key}", mp([field(key, EVIL), *upload()]))
    for key in ("filename", "file_name", "FileName", "file-name"):
        yield Case(f"file-alias-{key}", mp([field(key, EVIL_FILE), *upload()]))
    yield Case("name-missing", mp([field("version", "1.0"), file(EVIL_FILE)]))
    yield Case("name-as-file", mp([part(DISPOSITION.format("name") + '; filename="x"', EVIL), *upload()]))
    yield Case("name-as-only-file", mp([part(DISPOSITION.format("name") + '; filename="x"', EVIL), file(EVIL_FILE)]))
    yield Case("other-file", mp([*upload(), file(EVIL_FILE, name="other")]))
    yield Case("content-without-filename", mp([field("name", PLAIN), field("content", "x")]))
    yield Case("charset-field", mp([field("_charset_", "utf-16"), *upload()]))
    yield Case("method-field", mp([field("_method", "PUT"), *upload()]))
    yield Case("signature-of-another", mp([*upload(), file(EVIL_FILE + ".asc", name="gpg_signature")]))
    yield Case("signature-alone", mp([field("name", PLAIN), file(EVIL_FILE + ".asc", name="gpg_signature")]))
    yield Case("signature-twice", mp([*upload(), *[file(PLAIN_FILE + ".asc", name="gpg_signature")] * 2]))
    yield Case("too-many-parts", mp([field("classifiers", "x")] * 10_001 + upload()), (413,))


def values() -> Iterator[Case]:
    """Names that are read as reserved ones once they are stripped, decoded or folded."""
    for label, value in {
        "kelvin": "\u212a\u212a-evil",
        "fullwidth": "\uff41cme-evil",
        "long-s": "acme-\u017fevil",
        "newline": "acme-evil\n",
        "crlf": "acme-evil\r\n",
        "space-after": "acme-evil ",
        "space-before": " acme-evil",
        "tab": "acme-evil\t",
        "nul": "acme-evil\x00",
        "nul-inside": "plain\x00acme",
        "nul-before": "\x00acme-evil",
        "bom": "\ufeffacme-evil",
        "zero-width": "acme\u200b-evil",
        "nbsp": "acme-evil\u00a0",
        "percent": "%61cme-evil",
        "plus": "acme+evil",
        "quoted-printable": "=61cme-evil",
        "encoded-word": "=?utf-8?q?acme-evil?=",
        "dash-before": "-acme-evil",
        "dash-after": "acme-evil-",
        "dot-after": "acme-evil.",
        "underscore-before": "_acme",
        "empty": "",
        "two-lines": "plain\nacme-evil",
        "comma": "plain,acme-evil",
        "slash": "plain/../acme-evil",
        "long": "acme-" + "e" * 300,
        "entity": "&#97;cme",
        "backspace": "plain\x08acme",
    }.items():
        yield Case(f"value-{label}", mp(upload(value, EVIL_FILE)))
        yield Case(f"value-{label}-plain-file", mp(upload(value, PLAIN_FILE)))
    yield Case("value-utf-16", mp(upload("acme-evil".encode("utf-16"), EVIL_FILE)))
    yield Case("value-latin-1", mp(upload(b"acme\xad-evil", EVIL_FILE)))
    yield Case("value-endless", mp(upload("a" * 1_000_000, PLAIN_FILE)))


def filenames() -> Iterator[Case]:
    """A name that may pass, over a file that may not."""
    for name in (
        EVIL_FILE,
        "acme-1.0.tar.gz",
        "acme_evil-1.0-py3-none-any.whl",
        "../acme_evil-1.0.tar.gz",
        "plain/../acme_evil-1.0.tar.gz",
        "/acme_evil-1.0.tar.gz",
        "%61cme_evil-1.0.tar.gz",
        "plain-1.0.tar.gz%00acme_evil-1.0.tar.gz",
        "plain-1.0.tar.gz;acme_evil-1.0.tar.gz",
        "plain-1.0.tar.gz acme_evil-1.0.tar.gz",
        " plain-1.0.tar.gz",
        "plain-1.0.tar.gz ",
        "plain-1.0.exe",
        "plain-1.0",
        "plain.tar.gz",
        "plain-.tar.gz",
        "-1.0.tar.gz",
        "plain--1.0.tar.gz",
        "plain-x.tar.gz",
        "plain-1.0.WHL",
        "plain-1.0.TAR.GZ",
        "plain-1.0.tar.gz.asc",
        "plain-1.0-py3-none.whl",
        "plain-acme-1.0-1-py3-none-any.whl",
        "plain-1.0-x-py3-none-any.whl",
        "plain--1.0-py3-none-any.whl",
        "x:plain-1.0.tar.gz",
        "acme*-1.0.tar.gz",
        "",
    ):
        yield Case(f"file-{name!r}", mp(upload(PLAIN, name)))
    yield Case("file-nul", mp(upload(PLAIN, "plain-1.0.tar.gz\x00")))
    yield Case("file-kelvin", mp(upload(PLAIN, "\u212a\u212a-1.0.tar.gz")))
    yield Case("file-long", mp(upload(PLAIN, "plain-1" + "0" * 300 + ".tar.gz")))
    # Files that are one project's to one index, and another's to the next.
    yield Case("file-two-readings", mp(upload(PLAIN, "plain-1-1.0.zip")), (409,))
    yield Case("file-two-readings-inner", mp(upload("acme-1-b", "acme-1.b-1.0.zip")), (409,))
    yield Case("file-two-readings-v", mp(upload(PLAIN, "plain-1-v1.zip")), (409,))
    yield Case("file-doc-whole", mp([field(":action", "doc_upload"), field("name", PLAIN), file("acme.zip")]))
    yield Case(
        "file-doc-version",
        mp([field(":action", "doc_upload"), field("name", "plain"), file("plain-1.doc.zip")]),
        (409,),
    )
