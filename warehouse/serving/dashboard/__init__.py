"""Pages of the day, the month close, merchandise, stores and more; they read the lake and nothing else."""
