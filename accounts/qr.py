"""The QR code of an authenticator app: on white, so that a camera reads it in the dark theme too."""

from __future__ import annotations

from io import BytesIO

import qrcode  # type: ignore[import-untyped]  # it has no types
from qrcode.image.svg import SvgPathFillImage  # type: ignore[import-untyped]  # as above


def svg(text: str) -> str:
    """An SVG document."""
    buffer = BytesIO()
    qrcode.make(text, image_factory=SvgPathFillImage).save(buffer)
    return buffer.getvalue().decode("utf-8")
