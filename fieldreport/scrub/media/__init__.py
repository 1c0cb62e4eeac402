"""Sound and film: containers, the bitstreams inside them, and the transcoder of strong mode."""
