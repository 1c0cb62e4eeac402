"""How keys are replaced: rotation, the status of the keys, recovery."""
