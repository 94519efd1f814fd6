"""Engines: the reference semantics (`apply`) and the places that keep entities."""
