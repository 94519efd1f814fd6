"""SQL engines: what they share, and one folder for each dialect."""
