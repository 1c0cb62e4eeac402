"""Recordings and films that none of our readers takes apart: FFmpeg does, and one of our formats writes the rest."""
