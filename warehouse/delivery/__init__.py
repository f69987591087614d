"""One delivery: its envelope, its key, and the one reading of its payload."""
