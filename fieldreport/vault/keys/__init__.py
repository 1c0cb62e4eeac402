"""How keys are replaced: rotation, how the keys stand, recovery."""
