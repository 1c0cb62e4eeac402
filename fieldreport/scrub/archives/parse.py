"""A stranger's archive as its files, whether ZIP, TAR, gzip or a compressed TAR."""

from __future__ import annotations

from collections.abc import Iterator

from fieldreport import limits
from fieldreport.scrub.archives import gzip_stream, tar_members, zip_members
from fieldreport.scrub.archives.member import Member
from fieldreport.scrub.format import Cleaning, Source
from fieldreport.scrub.sniff import TAR_BLOCK_BYTES, is_tar
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused


def parse(untrusted_source: Source, cleaning: Cleaning) -> Iterator[Member]:
    """Each file, in order, to be read before the next one; what else the archive says adds to ``cleaning.removed``.

    Raises:
        Refused: ``damaged`` for what is none of the three, and what their readers raise.
    """
    head = untrusted_source.read_at(0, TAR_BLOCK_BYTES)
    if head.startswith(b"PK"):
        return zip_members.members(untrusted_source, cleaning)
    if head.startswith(gzip_stream.MAGIC):
        return _unzipped(untrusted_source, cleaning)
    if is_tar(head):
        return tar_members.members(untrusted_source.file(), cleaning)
    raise Damaged


def _unzipped(source: Source, cleaning: Cleaning) -> Iterator[Member]:
    """The members of a compressed TAR, or the one file that was compressed."""
    with gzip_stream.Unzipped(source, cleaning.removed) as file:
        if is_tar(file.peek(TAR_BLOCK_BYTES)):
            yield from tar_members.members(file, cleaning)
            return
        content = file.read(limits.ARCHIVE_MEMBER_BYTES + 1)
        if len(content) > limits.ARCHIVE_MEMBER_BYTES:
            raise Refused(Refusal.MEMBER)
        yield Member("", lambda: content)
