"""Recordings of sound: one module for each format, each a walk along its frames that copies what sounds.

Samples are never touched. What a decoder needs is written anew in constant form; tags, pictures, cue points and the
names of encoders go.
"""
