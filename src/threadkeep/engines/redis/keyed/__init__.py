"""The layout "keys": fields of threads lie one a key, under the names that BetterDB agent-cache gives them."""
