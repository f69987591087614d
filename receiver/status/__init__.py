"""The status page, the page of problems, and figures for programs."""
