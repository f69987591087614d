"""From the build database to the lake: all changed rows of all marts in one transaction."""
