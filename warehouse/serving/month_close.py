"""The lines of a month's close: how gross sales become total sales."""

from typing import Final

# Each column of daily_sales with its sign; what they come to is total_sales.
LINES: Final = (
    ("gross_sales", 1),
    ("discounts", -1),
    ("included_tax", -1),
    ("gift_cards_sold", 1),
    ("charges", 1),
    ("shipping", 1),
    ("tax", 1),
    ("cancelled_sales", -1),
    ("cancelled_tax", -1),
    ("returned_sales", -1),
    ("refunded_tax", -1),
    ("refunded_shipping", -1),
    ("return_fees", 1),
)
# After so many lines stands what they come to so far, which is net_sales.
NET_AFTER: Final = 3
