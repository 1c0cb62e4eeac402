"""Every size, count and time bound of the product, with the reason beside it.

Bounds that guard a parser are enforced before the parser allocates. Units are in the names: ``_BYTES``, ``_SECONDS``,
``_HOURS``; everything else is a count.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# --- sealed objects (seal/FORMAT.md) ---
STANZAS: Final = 64  # a newsroom has fewer readers; bounds the work of a hostile header
HEADER_BYTES: Final = 128 * KIB  # 64 hybrid stanzas are 104 KiB
CHUNK_BYTES: Final = 64 * KIB  # C2SP age STREAM
PADDING_FLOOR_BYTES: Final = 16 * KIB  # a short text and a long one look alike
MANIFEST_BYTES: Final = 1 * MIB  # 1,000 parts with their lists fit in a tenth of it
PARTS: Final = 1000  # attachments of one letter

# --- codename and key files ---
CODENAME_WORDS: Final = 9  # 96 random bits and a 3-bit checksum
CODENAME_ARGON2_KIB: Final = 19 * KIB  # OWASP's second recommendation; 96 bits carry the rest
CODENAME_ARGON2_PASSES: Final = 2
KEYFILE_ARGON2_KIB: Final = 256 * KIB  # a passphrase is weaker than a codename and typed rarely
KEYFILE_ARGON2_PASSES: Final = 3
KEYFILE_ARGON2_LANES: Final = 4
KEYFILE_ARGON2_KIB_MAX: Final = 1024 * KIB  # a hostile key file must not exhaust the desk
KEYFILE_ARGON2_PASSES_MAX: Final = 10
KEYFILE_BYTES: Final = 64 * KIB
PASSPHRASE_WORDS: Final = 7  # 77 bits from a list of 2,048

# --- roster ---
ROSTER_BYTES: Final = 1 * MIB  # 64 entries are 150 KiB
ROSTER_DAYS: Final = 90  # an admin who vanished is noticed within a season
ROSTER_ALARM_DAYS: Final = 30

# --- intake ---
REQUEST_BYTES: Final = 512 * MIB  # default for one post, configurable
FORM_TEXT_BYTES: Final = 2 * MIB  # all typed fields together: a book of 300 pages
FORM_PARTS: Final = 200  # fields and files in one post
TOKEN_IDLE_SECONDS: Final = 12 * 3600  # a report may be written over a day with breaks
ARGON2_AT_ONCE: Final = 4  # 76 MiB; more only queue on the same cores
SCRUBS_AT_ONCE: Final = 4
LETTERS_WAITING: Final = 100_000
BYTES_WAITING: Final = 64 * 1024 * MIB
INLINE_PAYLOAD_BYTES: Final = 64 * KIB  # smaller payloads live in the row: one commit, no file
READ_BYTES: Final = 128 * KIB  # larger reads were measured slower

# --- scrub ---
SCRUB_INPUT_BYTES: Final = 512 * MIB
SCRUB_WALL_SECONDS: Final = 60
SCRUB_CPU_SECONDS: Final = 30
SCRUB_MEMORY_BYTES: Final = 1536 * MIB  # a 100-megapixel image in RGBA, twice, and the libraries
IMAGE_PIXELS: Final = 100_000_000
IMAGE_SIDE_PIXELS: Final = 20_000
IMAGE_FRAMES: Final = 1000
ARCHIVE_MEMBERS: Final = 10_000
ARCHIVE_RATIO: Final = 200  # unpacked to packed, above 1 MiB
ARCHIVE_TOTAL_BYTES: Final = 1024 * MIB
ARCHIVE_DEPTH: Final = 3
XML_BYTES: Final = 64 * MIB
XML_DEPTH: Final = 256
PDF_PAGES: Final = 5000
PDF_STREAM_BYTES: Final = 256 * MIB
PDF_TOTAL_BYTES: Final = 1024 * MIB
PDF_FILTERS: Final = 2  # a doubly compressed stream of 2 GB passed a lossless path

# --- desk ---
DESK_IDLE_SECONDS: Final = 15 * 60
SIGN_IN_TRIES: Final = 5  # per handle within SIGN_IN_WINDOW_SECONDS
SIGN_IN_TRIES_TOTAL: Final = 30
SIGN_IN_WINDOW_SECONDS: Final = 15 * 60
PAGE_ROWS: Final = 50
