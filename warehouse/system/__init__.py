"""What every room needs of the machine: files that are whole or absent, locks, child processes, notes in a home."""
