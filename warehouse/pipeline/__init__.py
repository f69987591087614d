"""The stages in a row: a refresh, refreshes for ever, and `dbt run` as a refresh."""
