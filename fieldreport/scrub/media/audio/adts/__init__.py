"""AAC as a row of frames (ADTS), which recorders and radio stations write.

Rules: headers are rebuilt, without private, copyright and buffer bits; check words, which would cover what changes, are
left out; words that encoders put before the first channel of a frame become zeros (``bitstreams.aac``). Everything that
is not a frame goes. What stays is what only an entropy decoder finds: fill elements after a channel. Source: ISO/IEC
14496-3, 1.A.2 and 4.4.
"""
