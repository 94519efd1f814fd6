"""The engine over HTTP: where the server is, and what its answers mean. The calls are in the drivers."""
