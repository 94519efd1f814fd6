"""What the server offers: one module for each kind of resource, each with its routes."""
