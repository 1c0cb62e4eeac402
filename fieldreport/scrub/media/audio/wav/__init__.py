"""WAV: how the samples are to be read, and the samples.

Rules: the chunks ``fmt``, ``fact`` (where samples are compressed) and ``data``, each rebuilt, in this order and nothing
after them. Sources: Multimedia Programming Interface and Data Specifications 1.0; Microsoft, Multiple Channel Audio
Data and WAVE Files; EBU Tech 3285 for what goes.
"""
