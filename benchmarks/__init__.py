"""Compare threadkeep with raw sqlite3 and with its peers, in one run on one machine."""
