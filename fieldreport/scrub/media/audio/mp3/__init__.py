"""MP3: frames of MPEG audio layer III, each where it was, so that nothing is heard earlier or later than before.

Rules:

- A frame is its header, its side information and the bytes after them; the private bits of both are zero.
- Sound does not fill its frames: between the sound of one frame and that of the next lies ancillary data, where
  encoders leave their names. It is set to zero; decoders do not read it.
- A first frame that says how long the recording is (Xing, Info, VBRI) is rebuilt: frames, bytes, places to seek to, and
  how many samples at both ends are not part of the recording. Nothing of the encoder stays.
- Everything that is not a frame goes: ID3, APE, Lyrics3 and whatever else stands before, between or after frames.

Sources: ISO/IEC 11172-3 and 13818-3; "MP3 Info Tag revision 1" (LAME); "VBRI" (Fraunhofer).
"""
