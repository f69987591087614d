"""The DuckLake: opening it, its transactions, its earlier moments, its errors."""
