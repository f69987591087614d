"""How facts leave: a DuckDB file, metrics, the dashboard, statements that only read."""
