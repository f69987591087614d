"""What of a delivery is personal, and a delivery without it; nobody here opens the lake."""
