"""A PDF of some lines of text, made by hand: one page, a typeface that every reader has."""

from __future__ import annotations

PAGE = "/MediaBox [0 0 595 842]"
TOP, LEFT, LEADING, SIZE = 780, 60, 18, 11
MOST = 40
"""Lines on the page."""


def document(lines: list[str]) -> bytes:
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R {PAGE} /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>".encode(),
        _stream(lines[:MOST]),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(content))
        content += b"%d 0 obj\n" % number + part + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(content))
    return content + head + table + tail


def _stream(lines: list[str]) -> bytes:
    shown = b"".join(b"(" + _escaped(line) + b") Tj T*\n" for line in lines)
    text = f"BT /F {SIZE} Tf {LEADING} TL {LEFT} {TOP} Td\n".encode() + shown + b"ET"
    return b"<< /Length %d >>\nstream\n" % len(text) + text + b"\nendstream"


def _escaped(line: str) -> bytes:
    """In the typeface's own set of characters, which is a small one."""
    told = line.replace("−", "-").encode("cp1252", "replace")
    return told.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
