"""A retailer's own data: files that are checked whole, put into the journal a row a delivery, and read back."""
