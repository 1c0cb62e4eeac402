"""HEIC and AVIF: a new file around the primary picture's own compressed data.

Rules: pixels are not touched. The primary picture, its tiles and its transparency are copied without what draws
nothing; Exif, XMP, thumbnails, depth and gain maps, bursts and films are left out. A picture that is shown only in
part, or has the colour profile of one device, is decoded and comes out as JPEG (PNG when transparent), because what is
cut away would otherwise still be in the file. Sources: ISO/IEC 23008-12 (HEIF), AV1 Image File Format 1.1.
"""
