"""Archives: what is in them is cleaned, what they say about it is gone, and none is stored with a file missing."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import stat
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typing_extensions import Buffer, override

from fieldreport import limits
from fieldreport.scratch import Scratch
from fieldreport.scrub import Refusal, Removed, Scrubber, pipeline
from fieldreport.scrub.archives import write
from fieldreport.scrub.archives.verify import verify
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.pipeline import new_cleaning
from fieldreport.scrub.verdicts import Mode, Noted, Options, Refused, RefusedMember, Residue
from tests.scrub.conftest import Clean, RefusalOf

OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00PLANTED-where-from"
FINDER = b"\x00\x00\x00\x01Bud1PLANTED"


def photo(shade: int = 90) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "PLANTED-make"
    file = io.BytesIO()
    Image.new("RGB", (24, 16), (shade, 60, 20)).save(file, "JPEG", exif=exif)
    return file.getvalue() + b"PLANTED-trailer"


def zip_of(members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def planted_zip() -> bytes:
    """A marker in every place that APPNOTE has for one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"PLANTED-comment"
        archive.mkdir("PLANTED-folder")
        entry = zipfile.ZipInfo("PLANTED-folder/../../PLANTED-name.jpg", (2024, 5, 6, 7, 8, 10))
        entry.comment = b"PLANTED-member-comment"
        entry.extra = struct.pack("<HHBI", 0x5455, 5, 1, 1_700_000_000) + struct.pack("<HH", 0x7875, 7) + b"PLANTED"
        entry.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(entry, photo())
        archive.writestr("/PLANTED/absolute.txt", "seen at\u200b the gate\n")
        archive.writestr("PLANTED.empty", b"")
        link = zipfile.ZipInfo("PLANTED-link")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, b"/home/PLANTED")
        archive.writestr("__MACOSX/._PLANTED.jpg", APPLE_DOUBLE)
        archive.writestr(".DS_Store", FINDER)
    return file.getvalue() + b"PLANTED-behind-the-end"


def planted_tar(kind: tarfile._TarFormat = tarfile.GNU_FORMAT, mode: str = "w") -> bytes:
    file = io.BytesIO()
    pax = {"comment": "PLANTED-comment", "SCHILY.xattr.user.note": "PLANTED-attribute"}
    with tarfile.open(fileobj=file, mode=mode, format=kind, pax_headers=pax) as archive:  # type: ignore[call-overload]

        def add(name: str, data: bytes = b"", type_: bytes = tarfile.REGTYPE, target: str = "") -> None:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.type, entry.linkname = len(data), 1_700_000_000, type_, target
            entry.uid, entry.gid, entry.uname, entry.gname = 1234, 1234, "PLANTED-user", "PLANTED-group"
            archive.addfile(entry, io.BytesIO(data))

        add("PLANTED-folder", type_=tarfile.DIRTYPE)
        add("PLANTED-folder/" + "PLANTED-long-" * 20 + ".jpg", photo())
        add("/etc/PLANTED.txt", b"seen at the gate\n")
        add("PLANTED-link", type_=tarfile.SYMTYPE, target="/home/PLANTED")
        add("PLANTED-device", type_=tarfile.CHRTYPE)
    return file.getvalue()


def old_tar() -> bytes:
    """As before POSIX: names of 100 bytes, no magic, and folders told by their names alone."""
    links = {"PLANTED-folder/": b"", "PLANTED-link": b"/home/PLANTED"}
    made = b""
    for name, content in {**links, "PLANTED-folder/a.jpg": photo(), "b.txt": b"seen at the gate\n"}.items():
        data = b"" if name in links else content
        numbers = (0o644, 1234, 1234, len(data), 1_700_000_000)
        fields = b"".join(b"%0*o\0" % (7 if place < 3 else 11, number) for place, number in enumerate(numbers))
        kind, target = (b"2", content) if name == "PLANTED-link" else (b"\0", b"")
        header = name.encode().ljust(100, b"\0") + fields + b" " * 8 + kind + target.ljust(100, b"\0") + bytes(255)
        made += header[:148] + b"%06o\0 " % sum(header) + header[156:] + data + bytes(-len(data) % 512)
    return made + bytes(1024)


ALL: dict[str, Callable[[], bytes]] = {
    "zip": planted_zip,
    "tar, GNU": planted_tar,
    "tar, pax": lambda: planted_tar(tarfile.PAX_FORMAT),
    "tar.gz": lambda: planted_tar(mode="w:gz"),
    "tar, Unix Version 7": old_tar,
    "zip in tar.gz in zip": lambda: zip_of({"PLANTED.tgz": tar_of({"PLANTED.zip": planted_zip()}, "w:gz")}),
}


def tar_of(members: dict[str, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def everything(data: bytes) -> list[bytes]:
    """The bytes of an archive and of all in it."""
    found = [data]
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                found += everything(archive.read(name))
    return found


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_a_marker_in_every_place_is_gone(clean: Clean, make: Callable[[], bytes]) -> None:
    assert any(b"PLANTED" in piece for piece in everything(make())) or make().startswith(b"\x1f\x8b")
    copy = clean(make())
    assert copy.media_type == "application/zip"
    assert not any(b"PLANTED" in piece for piece in everything(copy.data))
    assert {Removed.FILE_NAMES, Removed.TIME, Removed.DEVICE, Removed.LINKS} <= copy.removed


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, make: Callable[[], bytes]) -> None:
    once = clean(make())
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


def test_what_a_zip_tells_about_its_members_is_on_the_receipt(clean: Clean) -> None:
    found = clean(planted_zip()).removed
    assert {Removed.COMMENTS, Removed.IDENTIFIERS, Removed.TRAILING_DATA, Removed.LITTER} <= found
    assert Removed.COPY_MARKS in found


def test_the_owner_in_a_tar_is_on_the_receipt(clean: Clean) -> None:
    assert {Removed.AUTHOR, Removed.IDENTIFIERS} <= clean(planted_tar()).removed


def test_members_keep_their_order_and_their_content_under_neutral_names(clean: Clean) -> None:
    copy = clean(zip_of({"b.jpg": photo(1), "a.txt": b"one\n", "a.jpg": photo(2), "z/photo-1.jpg": photo(3)}))
    with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["photo-1.jpg", "photo-2.jpg", "photo-3.jpg", "text-1.txt"]
        assert archive.read("text-1.txt") == b"one\n"
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) and not entry.extra for entry in archive.infolist())
        for number, shade in enumerate((1, 2, 3), start=1):
            before = Image.open(io.BytesIO(photo(shade)))
            after = Image.open(io.BytesIO(archive.read(f"photo-{number}.jpg")))
            assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_usual_compression_is_unpacked(clean: Clean, method: int) -> None:
    copy = clean(zip_of({"a.txt": b"words\n" * 100}, method=method))
    assert everything(copy.data)[1] == b"words\n" * 100


def test_two_members_of_one_name_are_both_kept(clean: Clean) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "one\n")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.txt", "two\n")
    assert everything(clean(file.getvalue()).data)[1:] == [b"one\n", b"two\n"]


def test_a_zip64_archive_is_read(clean: Clean) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("a.txt", "w", force_zip64=True) as member:
        member.write(b"one\n")
    assert everything(clean(file.getvalue()).data)[1] == b"one\n"


def test_a_streamed_archive_with_its_sizes_after_the_data_is_read(clean: Clean) -> None:
    class Pipe(io.RawIOBase):
        written = b""

        @override
        def writable(self) -> bool:
            return True

        @override
        def write(self, data: Buffer, /) -> int:
            self.written += bytes(data)
            return len(bytes(data))

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("text-1.txt", (1980, 1, 1, 0, 0, 0)), "one\n")
        archive.writestr(zipfile.ZipInfo("text-2.txt", (1980, 1, 1, 0, 0, 0)), "two\n")
    copy = clean(pipe.written)
    assert everything(copy.data)[1:] == [b"one\n", b"two\n"]
    assert copy.removed == frozenset()


def test_a_single_compressed_file_becomes_an_archive_of_one(clean: Clean) -> None:
    copy = clean(gzip.compress(b"words\n", mtime=1_700_000_000))
    assert everything(copy.data)[1] == b"words\n"
    assert Removed.TIME in copy.removed


# --- what is refused ---


def test_an_archive_with_a_file_that_cannot_be_cleaned_is_refused_as_a_whole(refusal_of: RefusalOf) -> None:
    assert refusal_of(zip_of({"a.jpg": photo(), "b.doc": OLD_WORD})) is Refusal.MEMBER
    assert refusal_of(tar_of({"a.jpg": photo(), "b.doc": OLD_WORD})) is Refusal.MEMBER
    assert refusal_of(zip_of({"in.zip": zip_of({"b.doc": OLD_WORD})})) is Refusal.MEMBER


@pytest.mark.parametrize(
    "name",
    [
        "report.lnk", "a/report.url", "x.desktop", "Thumbs.db", "a/DESKTOP.INI", ".picasa.ini", "a/Picasa.ini", "1.xmp",
        "IMG_1.AAE", ".nomedia", "@eaDir/1.jpg@SynoEAStream", "__MACOSX/._1.jpg", "~$report.docx", ".~lock.report.odt#",
        ".DS_Store", "a/.Spotlight-V100/store", "Icon\r",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "content", [b"PLANTED words\n", b"\xd0\xcf\x11\xe0PLANTED" * 9, b"L\0\0\0\x01\x14\x02\0PLANTED"]
)
def test_what_systems_leave_in_folders_goes_and_the_rest_is_kept(clean: Clean, name: str, content: bytes) -> None:
    copy = clean(zip_of({name: content, "a.jpg": photo()}))
    assert Removed.LITTER in copy.removed
    with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
        assert archive.namelist() == ["photo-1.jpg"]


def test_a_photo_is_no_litter_whatever_it_is_called(clean: Clean) -> None:
    copy = clean(zip_of({"Thumbs.db": photo(1), "@eaDir/SYNOPHOTO_THUMB_M.jpg": photo(2), "notes.xmp.txt": b"words\n"}))
    assert len(everything(copy.data)) == 4
    assert Removed.LITTER not in copy.removed


def test_a_refused_archive_says_which_files_in_it_are_to_blame() -> None:
    with pytest.raises(Refused) as caught:
        pipeline.clean(
            Source.of(
                zip_of(
                    {"a.jpg": photo(), ".DS_Store": FINDER, "b.doc": OLD_WORD, "c.exe": b"MZ\x90\0\3\0\0\0" + bytes(99)}
                )
            ),
            Sink(),
            new_cleaning(Mode.LOSSLESS),
        )
    assert caught.value.refusal is Refusal.MEMBER
    assert caught.value.members == (RefusedMember(3, Refusal.OLD_OFFICE), RefusedMember(4, Refusal.ACTIVE_CONTENT))


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_when_its_sender_agrees_what_cannot_be_cleaned_is_left_out_and_said(
    pack: Callable[[dict[str, bytes]], bytes],
) -> None:
    sink, cleaning = Sink(), new_cleaning(Options(without_refused=True))
    inner = zip_of({"d.doc": OLD_WORD, "e.jpg": photo(2)})
    pipeline.clean(Source.of(pack({"a.jpg": photo(), "b.doc": OLD_WORD, "c.zip": inner})), sink, cleaning)
    with zipfile.ZipFile(io.BytesIO(sink.source().whole())) as archive:
        assert archive.namelist() == ["photo-1.jpg", "archive-1.zip"]
    assert cleaning.noted == {Noted.LEFT_OUT}


def test_an_archive_of_which_nothing_would_be_left_is_refused_all_the_same() -> None:
    with pytest.raises(Refused) as caught:
        pipeline.clean(Source.of(zip_of({"b.doc": OLD_WORD})), Sink(), new_cleaning(Options(without_refused=True)))
    assert caught.value.members == (RefusedMember(1, Refusal.OLD_OFFICE),)


def test_an_archive_of_nothing_is_empty(refusal_of: RefusalOf) -> None:
    assert refusal_of(zip_of({})) is Refusal.EMPTY
    assert refusal_of(zip_of({"a/": b"", "b": b"", ".DS_Store": FINDER})) is Refusal.EMPTY
    assert refusal_of(tar_of({"b": b""})) is Refusal.EMPTY


def test_three_levels_are_unpacked_and_a_fourth_is_a_bomb(clean: Clean, refusal_of: RefusalOf) -> None:
    nested = photo()
    for _ in range(3):
        nested = zip_of({"x": nested})
    clean(nested)
    assert refusal_of(zip_of({"x": nested})) is Refusal.BOMB


def test_a_locked_archive_is_refused_with_its_own_advice(refusal_of: RefusalOf) -> None:
    data = bytearray(zip_of({"a.txt": b"x"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal_of(bytes(data)) is Refusal.ENCRYPTED


def test_an_unknown_compression_is_refused_with_its_own_advice(refusal_of: RefusalOf) -> None:
    data = bytearray(zip_of({"a.txt": b"x"}))
    for place in (8, data.index(b"PK\x01\x02") + 10):
        struct.pack_into("<H", data, place, 9)  # Deflate64
    assert refusal_of(bytes(data)) is Refusal.ARCHIVE


def test_a_member_that_claims_to_be_huge_is_refused_before_it_is_read(refusal_of: RefusalOf) -> None:
    data = bytearray(zip_of({"a.txt": b"x" * 50}))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 900 << 20)
    assert refusal_of(bytes(data)) is Refusal.BOMB  # the ratio
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 100 * 1024)
    assert refusal_of(bytes(data)) is Refusal.DAMAGED  # it holds less


def test_a_ratio_that_no_document_has_is_a_bomb(refusal_of: RefusalOf) -> None:
    assert refusal_of(zip_of({"a.txt": b"a" * (8 << 20)})) is Refusal.BOMB
    assert refusal_of(gzip.compress(b"a" * (8 << 20))) is Refusal.BOMB
    assert refusal_of(tar_of({"a.txt": b"a" * (8 << 20)}, "w:gz")) is Refusal.BOMB


def test_many_members_that_share_bytes_are_a_bomb(refusal_of: RefusalOf) -> None:
    data = zip_of({"a.txt": b"words\n" * 50})
    start = data.index(b"PK\x01\x02")
    entry = data[start : data.index(b"PK\x05\x06")]
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 20, 20, len(entry) * 20, start, 0)
    assert refusal_of(data[:start] + entry * 20 + end) is Refusal.BOMB


def test_too_many_members_are_a_bomb(refusal_of: RefusalOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_MEMBERS", 5)
    assert refusal_of(zip_of({f"{number}": b"x" for number in range(6)})) is Refusal.BOMB
    assert refusal_of(tar_of({f"{number}": b"x" for number in range(6)})) is Refusal.BOMB


def test_more_than_the_total_is_a_bomb(refusal_of: RefusalOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_TOTAL_BYTES", 100_000)
    words = bytes(range(32, 127)) * 800
    assert refusal_of(zip_of({"a": words, "b": words})) is Refusal.BOMB
    assert refusal_of(tar_of({"a": words, "b": words})) is Refusal.BOMB
    assert refusal_of(tar_of({"a": words, "b": words}, "w:gz")) is Refusal.BOMB


def test_a_member_too_large_to_hold_is_refused_without_reading_it(
    refusal_of: RefusalOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_MEMBER_BYTES", 100)
    words = b"words\n" * 100
    for data in (zip_of({"a": words}), tar_of({"a": words}), gzip.compress(words), tar_of({"a": words}, "w:gz")):
        assert refusal_of(data) is Refusal.MEMBER


def test_a_file_hidden_between_members_does_not_get_through(clean: Clean) -> None:
    data = zip_of({"a.txt": b"one\n", "b.txt": b"two\n"})
    second = data.index(b"PK\x03\x04", 4)
    hidden = zip_of({"PLANTED.txt": b"PLANTED"})
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    moved = bytearray(data[:second] + hidden + data[second:])
    directory = moved.index(b"PK\x01\x02", second + len(hidden))
    last = moved.rindex(b"PK\x01\x02")
    struct.pack_into("<I", moved, last + 42, second + len(hidden))
    struct.pack_into("<I", moved, moved.rindex(b"PK\x05\x06") + 16, directory)
    copy = clean(bytes(moved))
    assert b"PLANTED" not in copy.data
    assert Removed.HIDDEN_CONTENT in copy.removed


@pytest.mark.parametrize(
    ("place", "value"),
    [(124, b"77777777777\0"), (124, b"-0000000001\0"), (124, b"\xff" * 12), (257, b"xstar"), (156, b"S")],
)
def test_a_tar_header_that_lies_is_refused(refusal_of: RefusalOf, place: int, value: bytes) -> None:
    data = bytearray(tar_of({"a.txt": b"one\n"}) + tar_of({"b.txt": b"two\n"}))
    data[place : place + len(value)] = value
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    assert refusal_of(bytes(data)) in {Refusal.DAMAGED, Refusal.BOMB, Refusal.ARCHIVE, Refusal.UNSUPPORTED}


def test_a_tar_whose_records_move_its_members_is_refused(refusal_of: RefusalOf) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size, entry.pax_headers = 4, {"size": "4"}
        archive.addfile(entry, io.BytesIO(b"one\n"))
    assert refusal_of(file.getvalue()) is Refusal.ARCHIVE


@pytest.mark.parametrize("data", [planted_zip(), planted_tar(), planted_tar(mode="w:gz")], ids=["zip", "tar", "tar.gz"])
def test_a_cut_archive_is_damaged(refusal_of: RefusalOf, data: bytes) -> None:
    assert refusal_of(data[: len(data) // 4]) is Refusal.DAMAGED


@pytest.mark.parametrize("media", ["zip", "docx"])
def test_a_member_without_a_name_is_damaged(refusal_of: RefusalOf, media: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("X", b"harmless words")
        archive.writestr("[Content_Types].xml" if media == "docx" else "notes.txt", b"wordprocessingml.document.main")
        archive.writestr("word/document.xml" if media == "docx" else "more.txt", b"<document/>")
    unnamed = bytearray(file.getvalue())
    entry = unnamed.index(b"PK\x01\x02")
    # The name's one byte becomes an extra field of one byte: everything else stays where it is.
    unnamed[entry + 28 : entry + 32] = b"\0\0\1\0"

    assert refusal_of(bytes(unnamed)) is Refusal.DAMAGED


def test_the_second_reading_refuses_what_was_not_cleaned() -> None:
    for data in (planted_zip(), zip_of({"photo-1.jpg": photo()}), b"", zip_of({})):
        with pytest.raises(Residue):
            verify(Source.of(data), "application/zip")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_second_reading_finds_any_byte_that_was_changed(data: st.DataObject) -> None:
    sink = Sink()
    write.clean(Source.of(zip_of({"a": photo(1), "b": photo(2)})), sink, new_cleaning(Mode.LOSSLESS))
    copy = bytearray(sink.source().whole())
    copy[data.draw(st.integers(0, len(copy) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Residue):
        verify(Source.of(bytes(copy)), "application/zip")


@given(st.sampled_from([planted_zip(), planted_tar(), planted_tar(mode="w:gz")]), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_is_changed_in_an_archive_it_is_cleaned_or_refused(original: bytes, data: st.DataObject) -> None:
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    once, twice = Sink(), Sink()
    try:
        media_type = pipeline.clean(Source.of(bytes(changed)), once, new_cleaning(Mode.LOSSLESS))
    except Refused:
        return
    assert pipeline.clean(once.source(), twice, new_cleaning(Mode.LOSSLESS)) == media_type
    assert twice.source().whole() == once.source().whole()


def test_an_archive_is_cleaned_in_the_locked_child(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    for make in ALL.values():
        cleaned = scrubber.clean(scratch(make()))
        assert cleaned.extension == "zip"
        cleaned.output.close()


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_exiftool_finds_nothing_in_a_clean_archive_that_tells_of_anybody(clean: Clean, tmp_path: Path) -> None:
    def told(data: bytes) -> str:
        (tmp_path / "a.zip").write_bytes(data)
        done = subprocess.run(
            ["exiftool", "-json", "-G1", "-a", "-u", "-U", "-ee3", "-api", "RequestAll=3", str(tmp_path / "a.zip")],
            capture_output=True,
            check=True,
            timeout=60,
        )
        (tags,) = json.loads(done.stdout)
        return json.dumps({name: value for name, value in tags.items() if name.startswith("ZIP")})

    assert "PLANTED" in told(planted_zip())
    after = told(clean(planted_zip()).data)
    assert "PLANTED" not in after
    assert "1980:01:01 00:00:00" in after
    assert "Comment" not in after


def _contents(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _tar_of(*entries: tuple[bytes, str, bytes, dict[str, str]]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for kind, name, data, records in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.pax_headers = kind, len(data), records
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def test_the_name_of_a_whole_tar_goes(clean: Clean) -> None:
    copy = clean(_tar_of((b"V", "PLANTED backup", b"", {}), (tarfile.REGTYPE, "a.txt", b"words\n", {})))
    assert _contents(copy.data) == {"text-1.txt": b"words\n"}
    assert Removed.DESCRIPTION in copy.removed


def test_a_tar_with_holes_in_its_files_is_an_archive_that_we_do_not_read(refusal_of: RefusalOf) -> None:
    tar = _tar_of((tarfile.REGTYPE, "a.txt", b"words\n", {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}))
    assert refusal_of(tar) is Refusal.ARCHIVE


def test_a_map_in_an_archive_names_its_photos_as_they_are_called_now(clean: Clean) -> None:
    point = "<Point><coordinates>1,2</coordinates></Point>"
    place = f"<Placemark><description>see files/PLANTED.jpg</description>{point}</Placemark>"
    track = '<gpx xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="1" lon="2"><desc>PLANTED.jpg</desc></wpt></gpx>'
    shape = '{"type":"Feature","properties":{"name":"PLANTED.jpg"},"geometry":{"type":"Point","coordinates":[1,2]}}'
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Kim\nNOTE:PLANTED.jpg\nEND:VCARD\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("doc.kml", f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{place}</Document></kml>')
        for name, data in {"a.gpx": track, "a.geojson": shape, "a.vcf": card}.items():
            archive.writestr(name, data)
        archive.writestr("files/PLANTED.jpg", photo())
    made = _contents(clean(file.getvalue()).data)
    texts = [data for name, data in made.items() if not name.endswith(".jpg")]
    assert len(texts) == 4
    assert all(b"photo-1.jpg" in data and b"PLANTED" not in data for data in texts)
