"""Which licences are open source: the usual ones of those that the Open Source Initiative has approved. Pure.

By their identifiers in the SPDX list, and for a file of a licence by a sentence that stands in no other one. What is
not here is not refused: a person looks.
"""

from __future__ import annotations

import re
from enum import StrEnum

OPEN_SOURCE = frozenset(
    """
    0bsd aal afl-3.0 agpl-3.0 apache-1.1 apache-2.0 apl-1.0 apsl-2.0 artistic-1.0 artistic-2.0 blueoak-1.0.0
    bsd-1-clause bsd-2-clause bsd-2-clause-patent bsd-3-clause bsd-3-clause-lbnl bsl-1.0 cal-1.0 cddl-1.0 cecill-2.1
    cern-ohl-p-2.0 cern-ohl-s-2.0 cern-ohl-w-2.0 cpal-1.0 cpl-1.0 ecl-2.0 efl-2.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2
    fair gpl-2.0 gpl-3.0 hpnd icu intel ipl-1.0 isc lgpl-2.0 lgpl-2.1 lgpl-3.0 liliq-p-1.1 liliq-r-1.1 lpl-1.02
    lppl-1.3c mit mit-0 mpl-1.1 mpl-2.0 ms-pl ms-rl mulanpsl-2.0 ncsa nposl-3.0 ofl-1.1 olfl-1.3 osl-3.0 php-3.01
    postgresql psf-2.0 python-2.0 qpl-1.0 rpl-1.5 rpsl-1.0 simpl-2.0 sleepycat ucl-1.0 unicode-3.0 unicode-dfs-2016
    unlicense upl-1.0 w3c xnet zlib zpl-2.0 zpl-2.1
    """.split()  # noqa: SIM905 - as literals they would fill pages
)

RESTRICTED = frozenset(
    """
    bsl-1.1 busl-1.1 cc-by-nc-4.0 cc-by-nc-nd-4.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 commons-clause elastic-1.0 elastic-2.0
    fsl-1.1-alv2 fsl-1.1-apache-2.0 fsl-1.1-mit hippocratic-2.1 json polyform-noncommercial-1.0.0
    polyform-shield-1.0.0 polyform-small-business-1.0.0 sspl-1.0 ssplv1
    """.split()  # noqa: SIM905 - as above
)
"""Those that let everybody read and not everybody use, which are met often enough to be told."""


class Openness(StrEnum):
    OPEN = "open"
    RESTRICTED = "restricted"
    UNKNOWN = "unknown"


def openness(identifier: str) -> Openness:
    """Of an SPDX identifier in any case, with ``-only``, ``-or-later`` or ``+`` behind it or not."""
    plain = re.sub(r"(?:-only|-or-later|\+)$", "", identifier.strip().lower())
    if plain in OPEN_SOURCE:
        return Openness.OPEN
    return Openness.RESTRICTED if plain in RESTRICTED else Openness.UNKNOWN


# Restrictions first: they are added to licences that are open without them.
_SENTENCES: tuple[tuple[str, str], ...] = (
    ("Commons-Clause", "commons clause"),
    ("BUSL-1.1", "business source license"),
    ("SSPL-1.0", "server side public license"),
    ("Elastic-2.0", "elastic license"),
    ("AGPL-3.0", "gnu affero general public license version 3"),
    ("LGPL-3.0", "gnu lesser general public license version 3"),
    ("LGPL-2.1", "gnu lesser general public license version 2.1"),
    ("GPL-3.0", "gnu general public license version 3"),
    ("GPL-2.0", "gnu general public license version 2"),
    ("Apache-2.0", "apache license version 2.0"),
    ("MPL-2.0", "mozilla public license version 2.0"),
    ("EUPL-1.2", "european union public licence v. 1.2"),
    ("BSL-1.0", "boost software license - version 1.0"),
    ("Unlicense", "this is free and unencumbered software released into the public domain"),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy of this software"),
    ("ISC", "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"),
    ("BSD-3-Clause", "may be used to endorse or promote products derived from this software"),
    ("BSD-2-Clause", "redistributions in binary form must reproduce the above copyright notice"),
)


def recognized(text: str) -> str:
    """The identifier of the licence whose text this is, or nothing."""
    plain = re.sub(r"\s+", " ", text.lower()).replace("license, version", "license version")
    return next((identifier for identifier, sentence in _SENTENCES if sentence in plain), "")
