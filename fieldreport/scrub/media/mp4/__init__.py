"""MP4, M4A, MOV, 3GP: the same pictures and sounds at the same times, in a container of our own making.

Method: the tables are read, the tracks of picture and sound are kept with the headers that a decoder needs, and a new
container is written around their samples. Nothing is decoded; in codecs whose frames may carry words of their own
(``bitstreams``) each frame is looked into. Places, times, makers, chapters, subtitles, cover pictures, tracks of
positions and sensors, and whatever else a file holds are never read into the new one.
"""
