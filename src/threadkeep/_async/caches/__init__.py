"""The caches of tool and model results."""
