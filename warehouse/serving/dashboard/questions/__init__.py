"""What the dashboard asks the lake, by page. Money is of one currency at a time; no rows, no sum of nothing.

Days are business days; only refunds asked for, which say no place, are of days in UTC.
"""
