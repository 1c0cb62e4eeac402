"""The staff's private keys: key files, unlocking, signing rosters, re-wrapping, recovery. The intake never loads it."""
