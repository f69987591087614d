"""A receiver put to the test: a client like NewStore, load, what this machine can take."""
