"""The version, apart from all that is slow to load."""

from threadkeep import __version__ as VERSION  # noqa: N812 - it is a constant here

__all__ = ["VERSION"]
