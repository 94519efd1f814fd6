"""The engine language: operations, guards, Batch, Reply, Plan, the Engine protocol, the wire form."""
