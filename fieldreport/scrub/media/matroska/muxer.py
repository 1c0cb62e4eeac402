"""Writes a Matroska film: head, clusters of blocks, index. All of it comes from its caller's numbers and blocks.

Every length and place that is known only later has eight bytes, and is filled in when it is known.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Sink
from fieldreport.scrub.media.bitstreams import nal_units
from fieldreport.scrub.media.matroska import elements as ebml
from fieldreport.scrub.media.matroska import tracks
from fieldreport.scrub.media.matroska.blocks import Block
from fieldreport.scrub.verdicts import Damaged

DOC_TYPE: Final = 0x4282
SCALE, DURATION, MUXER, WRITER = 0x2AD7B1, 0x4489, 0x4D80, 0x5741
TIME: Final = 0xE7
NO_PROGRAM: Final = b"-"  # the format wants the name of a program
_FLUSH_BYTES: Final = limits.MIB


class Muxer:
    """Writes the head at once, then what is added; ``finish`` writes the index and the duration.

    Times are in units of ``scale`` nanoseconds. Positions count from the beginning of the segment's content.
    """

    def __init__(self, sink: Sink, film_tracks: Collection[tracks.Track], *, doc_type: bytes, scale: int) -> None:
        self._sink = sink
        self._scale = scale
        self._pictures = any(track.kind == tracks.PICTURE for track in film_tracks)
        self._places: dict[int, int] = {}
        self._end = 0  # of the last frame
        self._cues: list[tuple[int, int, int]] = []  # time, track, position of the cluster
        self._time = 0  # of the cluster
        self._cluster_at = 0
        self._body_at = 0  # where the cluster's content begins in the sink; 0 until it has a block
        self._cued = False
        self._pieces: list[bytes] = []
        self._pending = 0
        self._tracks = film_tracks
        self._frames = Counter[int]()  # by the track's number
        numbers = ((0x4286, 1), (0x42F7, 1), (0x42F2, 4), (0x42F3, 8))
        head = [ebml.unsigned_element(name, value) for name, value in numbers]
        head.append(ebml.element(DOC_TYPE, doc_type))
        head += [ebml.unsigned_element(name, value) for name, value in ((0x4287, 4), (0x4285, 2))]
        sink.write(ebml.element(ebml.EBML, *head))
        sink.write(ebml.element(ebml.SEGMENT, wide=True))
        self._base = sink.tell()
        sink.write(self._seek_head())
        self._places[ebml.INFO] = self._here()
        sink.write(
            ebml.element(
                ebml.INFO,
                ebml.unsigned_element(SCALE, scale),
                ebml.element(MUXER, NO_PROGRAM),
                ebml.element(WRITER, NO_PROGRAM),
                ebml.real_element(DURATION, 0.0),
            )
        )
        self._duration_at = sink.tell() - 8
        self._places[ebml.TRACKS] = self._here()
        sink.write(tracks.write(film_tracks))

    def begin_cluster(self, time: int) -> None:
        """Begin a cluster, from whose ``time`` the times of its blocks count. One without blocks is not written."""
        self._end_cluster()
        self._time = time

    def add(self, block: Block) -> None:
        """Write a block into the cluster."""
        if not self._body_at:
            self._cluster_at = self._here()
            self._sink.write(ebml.element(ebml.CLUSTER, wide=True))
            self._body_at = self._sink.tell()
            self._pieces.append(ebml.unsigned_element(TIME, self._time))
        # A player may begin where a picture is whole, or, without pictures, anywhere.
        if not self._cued and block.key and (block.track.kind == tracks.PICTURE or not self._pictures):
            self._cued = True
            self._cues.append((max(0, self._time + block.time), block.track.number, self._cluster_at))
        self._frames[block.track.number] += block.frames
        length = block.duration or round(block.track.frame_time / self._scale)
        self._end = max(self._end, self._time + block.time + length)
        self._pieces.append(block.written)
        self._pending += len(block.written)
        if self._pending > _FLUSH_BYTES:
            self._flush()

    def finish(self, duration: float = 0.0) -> int:
        """Write the index and the numbers that are only known now. Without a duration it is the last block's end.

        Answers how many frames of the original, as they came, are seen or heard.
        """
        self._end_cluster()
        self._places[ebml.CUES] = self._here()
        points = [
            ebml.element(
                0xBB,
                ebml.unsigned_element(0xB3, time),
                ebml.element(0xB7, ebml.unsigned_element(0xF7, track), ebml.unsigned_element(0xF1, position)),
            )
            for time, track, position in self._cues
        ]
        self._sink.write(ebml.element(ebml.CUES, *points))
        self._patch(self._base - 8, ebml.length_of(self._here(), wide=True))
        self._patch(self._base, self._seek_head())
        self._patch(self._duration_at, struct.pack(">d", duration or float(self._end)))
        return sum(self._counted(track) for track in self._tracks if self._frames[track.number])

    def _counted(self, track: tracks.Track) -> int:
        pictures = nal_units.pictures(track.clean)
        if pictures == 0:
            raise Damaged
        return self._frames[track.number] if pictures is None else pictures

    def _seek_head(self) -> bytes:
        """Where the other parts are: three entries of one length each."""
        entries = [
            ebml.element(
                0x4DBB,
                ebml.element(0x53AB, ebml.identifier(kind)),
                ebml.element(0x53AC, self._places.get(kind, 0).to_bytes(8, "big")),
            )
            for kind in (ebml.INFO, ebml.TRACKS, ebml.CUES)
        ]
        return ebml.element(ebml.SEEK_HEAD, *entries)

    def _here(self) -> int:
        return self._sink.tell() - self._base

    def _end_cluster(self) -> None:
        if self._body_at:
            self._flush()
            self._patch(self._body_at - 8, ebml.length_of(self._sink.tell() - self._body_at, wide=True))
        self._body_at, self._cued = 0, False

    def _flush(self) -> None:
        self._sink.write(b"".join(self._pieces))
        self._pieces, self._pending = [], 0

    def _patch(self, position: int, data: bytes) -> None:
        end = self._sink.tell()
        self._sink.seek(position)
        self._sink.write(data)
        self._sink.seek(end)
