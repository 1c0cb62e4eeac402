"""Every size, count and time bound of the product, with its reason.

Bounds that guard a parser are enforced before the parser allocates. Units are in the names: ``_BYTES``, ``_SECONDS``,
``_HOURS``; everything else is a count.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# --- identifiers ---
ID_BYTES: Final = 16  # of letters, objects, cases and installations: random, so that two never meet
INDEX_BYTES: Final = 32  # under which a source finds the answers; derived from the codename

# --- sealed objects (seal/FORMAT.md) ---
STANZAS: Final = 64  # a newsroom has fewer readers; bounds the work of a hostile header
HEADER_BYTES: Final = 128 * KIB  # 64 hybrid stanzas are 104 KiB
CHUNK_BYTES: Final = 64 * KIB  # C2SP age STREAM
PADDING_FLOOR_BYTES: Final = 16 * KIB  # a short text and a long one look alike
MANIFEST_BYTES: Final = 6 * MIB  # the typed text of one post, every character escaped, and 1,000 parts
PARTS: Final = 1000  # attachments of one letter
CASE_READERS: Final = 2  # of a limited case, at least: one could lose a passphrase; two can check each other's article

# --- scratch files ---
SCRATCH_BYTES: Final = 2048 * MIB  # four times the largest upload: what unpacking and rewriting may need

# --- codename and key files ---
CODENAME_WORDS: Final = 9  # eight are random, 88 bits; the last one is their checksum
CODENAME_TEXT_CHARACTERS: Final = 2000  # what may be typed into the codename field; nine words are under 120
CODENAME_READINGS: Final = 8  # ways to read nine words typed without their accents; each may cost an Argon2id
CODENAME_ARGON2_KIB: Final = 19 * KIB  # OWASP's second recommendation; 88 bits carry the rest
CODENAME_ARGON2_PASSES: Final = 2
KEYFILE_ARGON2_KIB: Final = 256 * KIB  # a passphrase is weaker than a codename and typed rarely
KEYFILE_ARGON2_PASSES: Final = 3
KEYFILE_ARGON2_LANES: Final = 4
KEYFILE_ARGON2_KIB_MAX: Final = 1024 * KIB  # a hostile key file must not exhaust the desk
KEYFILE_ARGON2_PASSES_MAX: Final = 10
KEYFILE_ARGON2_LANES_MAX: Final = 16
KEYFILE_BYTES: Final = 256 * KIB  # bound to eight passkeys and ten codes, under a machine secret, it has about 140 KiB
KEYFILE_IDENTITIES: Final = 16  # current and decrypt-only keys of one person; rotation destroys old ones
PASSPHRASE_WORDS: Final = 7  # 77 bits from a list of 2,048
PASSPHRASE_CHARACTERS: Final = 1000  # typed at sign-in by anybody: bounds what is normalised
PASSKEYS: Final = 8  # of one person; each costs some 500 bytes of the key file
PASSKEY_NAME_CHARACTERS: Final = 40
PASSKEY_ID_BYTES: Final = 255  # the specification allows 1,023, authenticators take 16 to 128
PASSKEY_ANSWER_CHARACTERS: Final = 8 * KIB
PASSKEY_CHALLENGE_SECONDS: Final = 60 * 60  # a sign-in page stays open, and each challenge counts once
RECOVERY_CODES: Final = 10  # on one paper of one person
RECOVERY_SHARES: Final = 16  # SLIP-39
RECOVERY_SHEET_CHARACTERS: Final = 8000  # what may be typed as a share: 33 words, or all that a sheet says
KEY_ROTATE_DAYS: Final = 180  # reminders, by default: twice a year, and no old backup opens more than that

# --- roster ---
ROSTER_BYTES: Final = 1 * MIB  # 64 entries are 150 KiB
ROSTER_ENTRIES: Final = 400  # present and former staff; 1 MiB holds 450
AUDIT_ENTRIES: Final = 2**53 - 1  # the largest integer that every reader of JSON holds exactly
ADDRESSEES: Final = 32  # names that letters may be addressed to, former ones among them; a list that one can read
ROSTER_EPOCHS: Final = 100_000  # 270 years of one change a day; bounds what a directory listing may cost
ROSTER_DAYS: Final = 90  # an admin who vanished is noticed within a season
ROSTER_ALARM_DAYS: Final = 30
HANDOVERS: Final = 100  # of the admin's key; one a season for 25 years, and bounds what a chain costs to verify
HANDOVER_BYTES: Final = 16 * KIB  # two admin keys in hexadecimal are 8 KiB
ENROLMENT_DAYS: Final = 14  # for an enrolment request to reach the admin; bounds how long an old one can be replayed
INVITATION_HOURS: Final = 72  # to enrol on the desk; over a weekend, not over a holiday

# --- intake ---
REQUEST_BYTES: Final = 512 * MIB  # default for one post, configurable
ORIGINALS_REQUEST_BYTES: Final = (
    REQUEST_BYTES  # with the originals of a post, and what was kept before, in PAYLOAD_BYTES
)
FORM_TEXT_BYTES: Final = 2 * MIB  # all typed fields together: a book of 300 pages
FORM_PARTS: Final = 200  # fields and files in one post
FORM_FILES: Final = 150  # the form says so; the rest of FORM_PARTS is for fields
KEPT_HOURS: Final = 1  # that a cleaned file waits for its form to be sent, and the rest of the hour after that
KEPT_BYTES: Final = 16 * REQUEST_BYTES  # of all files that wait, less on a small disk; then a report goes in one post
KEPT_SHARE: Final = 8  # one source's files take an eighth of what others leave: 55 forms, not 16, until no photo fits
KEPT_PLACES: Final = 2 * FORM_FILES  # files of one codename that wait, those of a sent report or taken out among them
KEPT_NAME_CHARACTERS: Final = 255  # of a file's name that is shown again; file systems allow no longer one
TOKEN_CHARACTERS: Final = 64 * KIB  # a form token is re-posted with every page
TOKEN_PADDING_BYTES: Final = 256  # a token's length does not tell the language of the codename inside
TOKEN_IDLE_SECONDS: Final = 12 * 3600  # a report may be written over a day with breaks
ARGON2_AT_ONCE: Final = 4  # 76 MiB; more only queue on the same cores
SCRUBS_AT_ONCE: Final = 4
LETTERS_WAITING: Final = 100_000
BYTES_WAITING: Final = 64 * 1024 * MIB
COUNTER_ROWS: Final = 16  # deposits that do not wait for each other's commit; a constant of the tables, see migration 5
LETTERS_HOUR: Final = 5000  # default of one machine, configurable: a flood takes a day to fill the mailbox
LETTERS_HOUR_MOST: Final = 1_000_000  # that anybody can choose
LETTERS_HOUR_RESERVE: Final = 1 / 4  # more than that, from sources who have written before: a flood shuts them out last
FREE_BYTES: Final = REQUEST_BYTES  # default, configurable: what stays free when the largest post has been stored
HAND_IN_FILES: Final = 20  # packed letters in one post; a courier carries a few
HAND_IN_LETTERS_WAITING: Final = LETTERS_WAITING // 2  # no packed letter beyond: the rest is for those who write here
HAND_IN_BYTES_WAITING: Final = BYTES_WAITING // 2
INLINE_PAYLOAD_BYTES: Final = 64 * KIB  # smaller payloads live in the row: one commit, no file
READ_BYTES: Final = 128 * KIB  # larger reads were measured slower
DISCARD_BYTES: Final = 512 * MIB  # of a refused body that is still read, so that its sender sees the page that says why
DISCARD_SECONDS: Final = 120
FIELD_CHARACTERS: Final = 4000  # of each short field; together they stay far below MANIFEST_BYTES
REPLY_TEXT_BYTES: Final = 256 * KIB  # of one answer shown to a source
REPLIES_SHOWN: Final = 100  # answers opened for one page
LOGO_BYTES: Final = KIB  # the first view stays within one round trip, its second request included
ADDRESSEE_CHARACTERS: Final = 60  # of a desk, as sources read it: a line of a list on a narrow screen
GREETING_CHARACTERS: Final = 200
CONTACT_CHARACTERS: Final = 400
RECEIPT_HOURS: Final = 24  # how long what was received can be looked up again with the codename
RECEIPTS_SHOWN: Final = 5  # of one codename; a sixth takes the oldest one's place
RECEIPT_SLOTS: Final = 1 << 14  # 1.1 MiB of memory that all workers share; a flood of letters ends receipts early
STALE_RETRIES: Final = 3  # times a letter is sealed again when the roster changes under it

# --- server ---
HEAD_SECONDS: Final = 15  # from the first byte of a request to the end of its headers
HEAD_BYTES: Final = 32 * KIB  # read before a thread is spent on a request
BODY_PATIENCE_SECONDS: Final = 60  # without a byte of a body; Tor circuits stall that long
BODY_MINIMUM_RATE: Final = 256  # bytes that buy a second of patience; below, 500 KB would take half an hour
REFUSED_PATIENCE_SECONDS: Final = 2  # for a body whose answer is known already: it is read for what somebody typed
TURN_BYTES: Final = 4 * MIB  # read or sent in one go; then others have a turn at the thread
CHUNK_LINE_BYTES: Final = 4 * KIB  # the size of a chunk with its extensions, and all trailers; nobody sends either
RAW_BODY_BYTES: Final = 4 * MIB  # of an application that is handed bodies whole
SEND_SECONDS: Final = 60  # until a client takes the next piece of an answer
SLOW_READERS: Final = 256  # of a worker, who have not taken all of an answer; each holds a piece of it in memory
KEEPALIVE_SECONDS: Final = 15
CACHED_FORMS: Final = 64  # pages of about 16 KiB with their values cut out: languages times addresses of the site
FOLLOW_SECONDS: Final = 20  # how old a machine's knowledge of the switches may be that it shares with others
FOLLOW_MOST_SECONDS: Final = 60  # how old at most, while it looks
READINESS_SECONDS: Final = 1  # how old the knowledge may be that reports can be taken, when a form is handed out
LIMITER_SWEEP_SECONDS: Final = 10  # between two looks for counters that have run out; each walks over all of them
LINGER_SECONDS: Final = 2  # reading on after an answer that came before the end of the request; it holds no thread
LINGER_BYTES: Final = 1 * MIB
CONNECTIONS: Final = 4000  # open sockets of one worker; a waiting one costs a few KiB
BODIES_SHARE: Final = 3 / 4  # of these that may wait for bodies; beyond, the slowest are cut
BODIES_MEMORY_BYTES: Final = 256 * MIB  # of a worker, typed text that is not complete; beyond, the same
BODIES_STORED_BYTES: Final = 16 * REQUEST_BYTES  # of a worker, encrypted on the disk, of forms that are not complete
REFUSALS_WAITING: Final = 128  # refused requests of a worker that wait for a page; others get plain words
BACKLOG: Final = 2048  # connections the kernel holds while none is accepted
SHUTDOWN_SECONDS: Final = 10  # for requests that are being answered when the server is asked to stop

# --- stores ---
PAYLOAD_BYTES: Final = 2048 * MIB  # one sealed object: four requests of the default size, so a setting may be raised
BLOB_SYNC_BYTES: Final = 16 * MIB  # fdatasync on the way: the last fsync of 500 MB takes 97 ms instead of 252
ROW_KEY_BYTES: Final = 32  # ChaCha20-Poly1305
ROW_KEY_SLOTS: Final = 1024  # a file of 64 KiB; it doubles when it fills up
ROW_KEY_TRIES: Final = 16  # at finding an empty slot by chance before it doubles: at about half full
ROW_KEYS_AT_ONCE: Final = 500  # rows in one question to the database; PostgreSQL takes 65,535
WAL_BYTES: Final = 4 * MIB  # a log longer than this is moved into the database after the next commit
LOG_WAIT_SECONDS: Final = 2.0  # for readers to let go of the log before it is emptied; they take milliseconds
UPKEEP_SECONDS: Final = 15.0  # between two looks at what a change left on the disk: half of what we promise
TIMES_SECONDS: Final = 60.0  # between two touches of all files that changed lately, whether anything changed or not
BLANK_FILES: Final = 256  # empty files held ready: letters with files of one day, collected ones of one hour
BLANK_KEY_FILES: Final = 64  # empty files held ready beside key files: sign-ins of one hour
REBUILD_MEMORY_BYTES: Final = 64 * MIB  # a larger database is rebuilt through a temporary file
REBUILD_PAUSE: Final = 100  # times as long as it took until a database is rebuilt again: writers wait 1 % of the time
WRITE_WAIT_SECONDS: Final = 30.0  # for the turn to write; a backup of the whole file may run in between
COLLECTED_HOURS: Final = (
    72  # and the rest of that day; a form posted again after that long is a new letter to the mailbox, not to the desk
)
REPLY_BYTES: Final = 1 * MIB  # a sealed reply: text only
LINK_CONNECT_SECONDS: Final = 10.0  # to the other end; through Tor a new circuit takes a few
LINK_READ_SECONDS: Final = 30.0  # without a byte of an answer
LINK_HURRY_SECONDS: Final = 2.0  # the same of both, where a page of the desk waits for it
LINK_PAGE_SECONDS: Final = 4.0  # for a whole answer, where a page waits: a byte a second is no silence
LINK_ANSWER_SECONDS: Final = 600.0  # the same otherwise, of a letter to its first byte: 16 MiB over a slow Tor
COLLECT_LATEST_SECONDS: Final = 900  # between two rounds, while the mailbox is away: the pauses double
FETCH_PAGE_SECONDS: Final = 3.0  # that a page waits for letters; then fetching goes on without it
LINK_TRIES: Final = 4  # in a row without a byte, at a letter whose line was cut; the pauses are 1, 2 and 4 seconds
LINK_PAUSE_SECONDS: Final = 1.0  # the first of them
LINK_IDLE_SECONDS: Final = 10.0  # how old a line may be that is used again; the other end keeps it KEEPALIVE_SECONDS
LINK_LISTING_BYTES: Final = 4 * MIB  # of small letters that come with a list of what waits: one question for 50
LINK_ANSWER_BYTES: Final = 16 * MIB  # of any answer but a letter; a list of so many, in base64
LINK_ANSWER_VALUES: Final = 100_000  # in it: a list of nothing but empty lists takes thirty times its bytes in memory
LINK_HEADER_BYTES: Final = 256 * KIB  # of a letter: 64 recipients are 128 KiB
LINK_TOKEN_CHARACTERS: Final = 32  # at least: 128 bits in hexadecimal
COLLECT_LETTERS: Final = 50  # acknowledged together; a crash repeats at most so many fetches
REWRAP_OBJECTS: Final = 200  # one transaction: ten milliseconds of writing, so other writers hardly wait
REWRAP_ALONE_OBJECTS: Final = 1000  # from here on every core helps; below, starting processes takes longer
SENT_TEXT_BYTES: Final = 64 * KIB  # a reply or a note: ten pages
CARD_BYTES: Final = 256 * KIB
SENDER_CHARACTERS: Final = 60  # of a name under which an answer is given
UNSENT_BYTES: Final = 1 * MIB  # what one editor has typed on one case and not sent: reply, note and fact sheet
CARD_TERMS: Final = 500
RESERVE_BYTES: Final = 16 * MIB  # of the disk beside each SQLite database: some hundred sign-ins when it is full
RESERVE_PIECE_BYTES: Final = 1 * MIB  # given back at a time; a sign-in takes a few pages of the log
COLLECT_FREE_BYTES: Final = 64 * MIB  # of the desk's disk; with less, letters wait in the mailbox
FREE_SHARE_ALARM: Final = 0.1  # of a disk: doctor and the health page warn below
# A page has its answer within five seconds, whatever is frozen: a turn at a connection, then silence.
CONNECT_SECONDS: Final = 3  # until a database or payload store takes a connection
SILENCE_SECONDS: Final = 3.0  # without a byte from one that took a question
POOL_WAIT_SECONDS: Final = 1.5  # for a connection of the pool
PATIENT_SECONDS: Final = 3600.0  # of silence while tables are altered, copied or vacuumed
AWAY_SECONDS: Final = 1.0  # after a silence others are told at once that a store is away
JUNK_PHRASES: Final = 500  # that a newsroom sets letters aside for; each is looked for in every letter
JUNK_PHRASE_CHARACTERS: Final = 200
JUNK_RULES_BYTES: Final = 512 * KIB  # all of them, four bytes a character, and what JSON adds
JUNK_TEXT_BYTES: Final = 64 * KIB  # of a letter: noise says early that it is noise
JUNK_PICTURES: Final = 500  # each is compared with every picture
LIKENESS_BYTES: Final = 16
"""Of what is compared of two pictures."""
NO_LIKENESS: Final = b"-"  # of a picture that is too plain
LIKENESS_DISTANCE: Final = 20
"""Bits in which two pictures may differ that are taken for one.

Measured on 119 photos and wallpapers: of 7,021 pairs, the 7 below it show one thing in other colours, and the next has
23; of 300 pairs of text pages, the nearest has 23. Below it are 99 of 100 that were saved as JPEG with quality 30, all
of half the size, 97 made brighter, all in grey or warmer, 98 with 4 percent of their sides cut off, 66 with 10 percent,
85 with a black bar of words over a tenth of them. A mirrored one is another.
"""
CASE_LABELS: Final = 20  # of one case; with more, a list shows nothing else
LABEL_CHARACTERS: Final = 40
BACKUP_ALARM_DAYS: Final = 8  # a weekly one that was made a day late
BACKED_UP_NAME: Final = ".backed-up"  # in a zone's directory; says on which day the newest backup was made
ORPHAN_SECONDS: Final = 3600.0  # sealing the largest payload takes seconds; older without a row is left by a crash

FACES: Final = 100  # of one page that are suggested
EVIDENCE_JSON_BYTES: Final = 256 * MIB  # an extract of a log of four million entries
EVIDENCE_LETTERS: Final = 9_999  # of one case; their files have four digits
EVIDENCE_FILES: Final = 100_000  # of a folder: the letters, and two for each of 45,000 rosters

# --- scrub ---
SCRUB_INPUT_BYTES: Final = 512 * MIB
SCRUB_CPU_SECONDS: Final = 30  # of one file, by the processor's clock: a busy machine refuses no good file
SCRUB_CODECS_CPU_SECONDS: Final = 120  # of a recording or film that is coded again
SCRUB_WALL_SECONDS: Final = 600  # the long stop, for a child that sleeps; an honest one only waits for a processor
SCRUB_WAIT_SECONDS: Final = 600  # in line for one of SCRUBS_AT_ONCE places, then "busy"
SCRUB_OUTPUT_BYTES: Final = 640 * MIB  # re-encoded pixels may be larger than what came in
SCRUB_WHOLE_BYTES: Final = 128 * MIB  # families that hold a whole file in memory: images, documents
SCRUB_IN_MEMORY_INPUT_BYTES: Final = 4 * MIB  # smaller files come out in memory: milliseconds sooner, no disk
SCRUB_IN_MEMORY_OUTPUT_BYTES: Final = 16 * MIB  # times SCRUBS_AT_ONCE; what grows beyond is cleaned again onto the disk
SCRUB_SMALL_BYTES: Final = 2 * MIB  # files that libraries seek in are held in memory up to here
SCRUB_COPY_BYTES: Final = 128 * KIB  # one piece of a copy, as READ_BYTES
SCRUB_DECODED_BYTES: Final = 4096 * MIB  # all that one file and everything inside it may unpack to
TEXT_BYTES: Final = 16 * MIB  # a text file: twenty thousand pages
CARD_DEPTH: Final = 8  # parts within parts of a calendar; programs write three
SVG_PIXEL_SIDE: Final = 2000  # of a drawing in pixels: a plan that can still be read
SVG_LENGTH: Final = 1_000_000  # of a drawing, in its own units: a map in tenths of a millimetre is 12,000
SVG_USES: Final = 100_000  # pieces that a drawing is made of when every repetition is drawn out
ARCHIVE_DIRECTORY_BYTES: Final = 16 * MIB  # 10,000 members with long names take two
SCRUB_MEMORY_BYTES: Final = 1536 * MIB  # IMAGE_DECODED_BYTES twice, the file, and the libraries
IMAGE_PIXELS: Final = 400_000_000  # of one that passes as it is: phones take 200 megapixels, scanners 140 at A4
IMAGE_DECODED_BYTES: Final = 640 * MIB  # of one while it is decoded; half of SCRUB_MEMORY_BYTES, for it is copied once
IMAGE_ENCODED_PIXELS: Final = 100_000_000  # of one that is encoded again; a larger one is made smaller before
SOUND_TAG_BYTES: Final = 16 * MIB  # of one tag that is looked into: a cover picture is a few
SOUND_CHUNKS: Final = 1000  # chunks or metadata blocks of one recording; recorders write ten
SOUND_CHANNELS: Final = 64
SOUND_RATE: Final = 1_000_000  # samples a second
SOUND_FRAME_BYTES: Final = 2 * MIB  # of FLAC: eight channels of 65,535 samples of 32 bits, not compressed
SOUND_MPEG_BYTES: Final = 2881  # the longest frame of MPEG audio layer III
ICC_BYTES: Final = 4 * MIB  # a printer's profile with large tables; a camera's is under a kilobyte
PAPER_PIXELS: Final = (
    800_000  # of a scanned page that are looked at for the dots of printers: an inch at A4 and 300 to the inch
)
JPEG_SCANS: Final = 100  # every scan of a progressive file walks the whole picture again; encoders write ten
IMAGE_FRAMES: Final = 1000
IMAGE_FRAME_PIXELS: Final = 1_000_000_000  # frames × pixels: what a viewer of the clean copy has to decode
STRONG_FRAME_PIXELS: Final = 50_000_000  # frames × pixels of an animation re-encoded: ten seconds of one processor
ARCHIVE_MEMBERS: Final = 10_000
ARCHIVE_RATIO: Final = 200  # unpacked to packed
ARCHIVE_FREE_RATIO_BYTES: Final = MIB  # below this, any ratio: an empty table compresses a thousandfold
ARCHIVE_MEMBER_BYTES: Final = 192 * MIB  # in memory three times: as it was, cleaned, and on its way into the new one
ARCHIVE_TOTAL_BYTES: Final = 1024 * MIB
ARCHIVE_DEPTH: Final = 3
MAIL_BYTES: Final = 64 * MIB  # of one message, in memory several times; providers deliver up to 50
MAIL_HEAD_BYTES: Final = 256 * KIB  # what relays and filters write above a message; the longest seen are a tenth of it
OFFICE_FREE_RATIO_BYTES: Final = 16 * MIB  # the same there: white pictures lie in them as they are
OFFICE_TOTAL_BYTES: Final = 512 * MIB  # all members of an office document; they are unpacked one at a time
XML_BYTES: Final = 64 * MIB
XML_DEPTH: Final = 256
TEXT_POINTS: Final = 3  # smaller letters are a millimetre high: words in them may be there to be overlooked
HTML_STEPS: Final = 2_000_000_000  # open elements × ends of elements in a page: four seconds of libxml2
HTML_TAGS: Final = 1_000_000  # of a page, begun and ended: a table of a hundred thousand rows has fewer
FILM_REENCODE_PIXELS: Final = 3_600_000_000  # frames × pixels of a film re-encoded: half of what a child's time allows
SOUND_REENCODE_SECONDS: Final = 3600
DOCUMENT_TEXT_CHARACTERS: Final = 8 * MIB  # of a document of which only the words are taken
READING_CHARACTERS: Final = 2_000_000  # of the words taken from one file, to be compared and shown: five long novels
PLAYED_BYTES: Final = 192 * MIB  # of a recording or film that is re-encoded, in memory twice
FILM_STREAMS: Final = 32  # tracks of one film; a phone writes two, and up to five of sensors
FILM_HEAD_BYTES: Final = 64 * MIB  # all tables of samples: ten hours of picture and sound need 15 MiB
FILM_SAMPLES: Final = 4_000_000  # of one track: ten hours of sound are under two millions
FILM_BOXES: Final = 200_000  # side by side in the file: ten hours in fragments of a second are 72,000
# Bytes from one packet of a transport stream to the next (ISO/IEC 13818-1): alone, after four bytes of time as on
# Blu-ray, and before sixteen that correct errors, as it is on the air (ETSI EN 300 429, 4.4).
TRANSPORT_PACKETS: Final = (188, 192, 204)
FILM_FRAME_BYTES: Final = 64 * MIB  # one coded frame; an uncompressed one of 20 megapixels would be as large
PDF_PAGES: Final = 5000
PDF_STREAM_BYTES: Final = 256 * MIB
PDF_TOTAL_BYTES: Final = 1024 * MIB
PDF_CONTENT_BYTES: Final = 64 * MIB  # what draws one page; operators take fifty times that in memory
PDF_PIXEL_PAGES: Final = 500  # pages drawn in pixels: more than half of the processor time that one file has
REDACTION_AREAS: Final = 500  # and pages left out, of one file
COVERED_PASSAGES: Final = 200  # that are covered wherever they stand in a text; each is looked for in all of it
PASSAGE_CHARACTERS: Final = 500  # of each: a few sentences
PDF_PIXEL_SIDE: Final = 5000  # of such a page: a poster of 85 cm at 150 pixels an inch
PDF_FILTERS: Final = 2  # a doubly compressed stream of 2 GB passed a lossless path

# --- desk ---
DESK_IDLE_SECONDS: Final = 15 * 60
DESK_WARN_SECONDS: Final = 2 * 60  # before the auto-lock, every page says so
DESK_SESSION_SECONDS: Final = 12 * 3600  # a working day; then the passphrase is asked for again, however busy
DESK_REQUEST_BYTES: Final = 8 * MIB  # typed text only: the text bound, percent-encoded, and some
UNLOCKS_AT_ONCE: Final = 1  # 256 MiB and every core for 0.6 s; more only queue on the same cores
SIGN_IN_STEP_SECONDS: Final = 0.25  # a refusal waits for the next multiple, so that its length shows nothing
SIGN_IN_TRIES: Final = 5  # refused ones of a handle within SIGN_IN_WINDOW_SECONDS, before tries are slowed
SIGN_IN_TRIES_TOTAL: Final = 30
SIGN_IN_WINDOW_SECONDS: Final = 15 * 60
# Slowed: one try at a handle in this time. With a stolen passphrase, that is 2,880 codes a day of a million.
SIGN_IN_PACE_SECONDS: Final = 30
SIGN_IN_PACE_TOTAL_SECONDS: Final = (
    3  # slowed: one try of a stranger at any handle, so that a fifth of the cores is spent
)
SIGN_IN_WAIT_SECONDS: Final = 20  # for a turn; longer looks like a broken page
SIGN_IN_TICKET_SECONDS: Final = 15 * 60  # for coming back to a turn, at a leisurely pace
DEVICE_DAYS: Final = 180  # without a sign-in, until a device counts as a stranger's again
DEVICE_PEOPLE: Final = 4  # remembered at one browser; a cookie holds 4 KB
PAGE_ROWS: Final = 50
SORT_WAIT_SECONDS: Final = 1.0  # that a page waits for new letters to be sorted; of a flood it shows the progress
INBOX_ROWS: Final = 25  # cases on a page: of each, the newest letter and the card are opened, 50 openings
CASE_ITEMS: Final = 30  # of a conversation on one page: opening one takes 1 to 2 ms
SEARCH_CHARACTERS: Final = 500  # typed into the field of the search
SEARCH_CASES: Final = 10  # with hits on a page
SEARCH_HITS: Final = 3  # of one case that are shown, each opened for it
SEARCH_READINGS: Final = 500  # files whose words are made for the search of one session; what is kept costs nothing
SEARCH_PAUSE_SECONDS: Final = 0.5  # between two of them: others wait for the sandbox, too

# --- press ---
ARTICLE_TITLE_CHARACTERS: Final = 300  # a headline, not a paragraph
ARTICLE_STANDFIRST_CHARACTERS: Final = 2_000
ARTICLE_BODY_CHARACTERS: Final = 200_000  # a long read is 40,000; bounds the leak check and the renderer
EMBARGO_DAYS: Final = 366  # by which an article may be scheduled ahead
ARTICLE_CAPTION_CHARACTERS: Final = 2_000  # each caption, alternative text and correction
ARTICLE_MEDIA: Final = 100
ARTICLE_TRANSLATIONS: Final = 11  # with the original one article in each language of the site
ARTICLE_JSON_BYTES: Final = 32 * MIB  # all of the above in every language, at four bytes a character
SLUG_CHARACTERS: Final = 120  # of an article's address
ANSWER_CHARACTERS: Final = 2_000  # the reason for one finding
SIGN_OFF_ANSWER_CHARACTERS: Final = 500  # to one question before a sign-off; five of them are one answer
ANSWER_BYTES: Final = 16 * KIB  # of any answer, sealed: characters take four bytes at most
NOTE_TERMS: Final = 500  # protected terms in one source's note; beyond, the check says that it did not look for all
FRONT_PAGE_ENTRIES: Final = 50  # newest on the front page; each year has a page with all of its
THEME_FILE_BYTES: Final = MIB  # of a template or style sheet of the newsroom's own
CMS_ANSWER_BYTES: Final = 16 * MIB  # of a system that takes an article: it sends the article back
FEED_ENTRIES: Final = 50  # newest in the feed; older ones stay on the site

# --- command line ---
HIGHEST_PORT: Final = 65533  # of the intake; the desk and the press take the next two
NOTICE_SECONDS: Final = 60  # for each step with the mail server, and for the command in all
NOTICE_COUNT: Final = 999  # more is not said: every notice has the same length
