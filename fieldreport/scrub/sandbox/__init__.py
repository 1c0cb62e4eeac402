"""The locked child: the service's side, the warm parent it is forked from, and the lock itself."""
