"""The namespaces of OpenDocument, in the form in which lxml begins a tag."""

from __future__ import annotations

from typing import Final

_URN: Final = "urn:oasis:names:tc:opendocument:xmlns:"
OFFICE: Final = f"{{{_URN}office:1.0}}"
TEXT: Final = f"{{{_URN}text:1.0}}"
TABLE: Final = f"{{{_URN}table:1.0}}"
DRAW: Final = f"{{{_URN}drawing:1.0}}"
STYLE: Final = f"{{{_URN}style:1.0}}"
CHART: Final = f"{{{_URN}chart:1.0}}"
PRESENTATION: Final = f"{{{_URN}presentation:1.0}}"
FO: Final = f"{{{_URN}xsl-fo-compatible:1.0}}"
LOEXT: Final = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"
FIELD: Final = "{urn:openoffice:names:experimental:ooo-ms-interop:xmlns:field:1.0}"
MANIFEST: Final = f"{{{_URN}manifest:1.0}}"
MATH: Final = "{http://www.w3.org/1998/Math/MathML}"
XLINK: Final = "{http://www.w3.org/1999/xlink}"
