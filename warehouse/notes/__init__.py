"""What refreshes and care leave in a home for whoever only looks: small files, no DuckDB."""
