"""Who may do what: keys, tokens, callers, and what they reach."""
