"""The right to erasure: who is meant, what is taken away and where, and what proves it."""
