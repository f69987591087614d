"""The pages of the dashboard, each a function that draws one for a snapshot of the lake."""
