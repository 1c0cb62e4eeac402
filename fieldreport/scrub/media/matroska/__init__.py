"""Matroska and WebM: the same pictures and sounds at the same times, in a container of our own making."""
