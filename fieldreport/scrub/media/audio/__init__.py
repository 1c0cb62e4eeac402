"""Recordings of sound: one package a format, each a walk along its frames that copies what sounds.

Samples are never touched. What a decoder needs is rebuilt in constant form; tags, pictures, cue points and the names of
encoders go.
"""
