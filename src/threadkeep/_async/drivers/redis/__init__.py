"""The driver for Valkey and Redis."""
