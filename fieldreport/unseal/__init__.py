"""The staff's private keys: key files, unlocking, signing rosters, re-wrapping, recovery. The intake never loads it.

The private half of the format that ``seal`` defines, so it imports seal's modules directly and not only its public
face.
"""
