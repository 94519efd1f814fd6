"""The PostgreSQL engine: the reference semantics as functions in the server, one call for a group of batches."""
