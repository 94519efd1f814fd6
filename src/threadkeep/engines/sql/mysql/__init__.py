"""The MySQL and MariaDB engine: two packets for a group of batches, and between them the reference semantics."""
