"""What is written once for tasks and for threads: documents in a table."""
