"""Copies of a home in another place: backups of one moment, and journals as they grow; and a home made of them."""
