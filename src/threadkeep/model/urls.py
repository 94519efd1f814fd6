"""Store URLs: scheme, place, options; and how to show one without its password."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from threadkeep.errors import UsageError

MEMORY = ":memory:"


class StoreUrl(msgspec.Struct, frozen=True):
    """The parts of a store URL; `path` is percent-decoded and without the slash after the authority."""

    scheme: str
    authority: str
    path: str
    options: dict[str, str]
    text: str


def parse_url(text: str) -> StoreUrl:
    """Return the parts of a URL. Raises UsageError that never shows a password."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise UsageError(f"the store URL must be a str, not {type(text).__name__}")
    scheme, sep, rest = text.partition("://")
    if not sep or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        raise UsageError(
            f"{mask(text)!r} is no store URL; write for example sqlite:///threadkeep.db"
        )
    parts = urlsplit("//" + rest, allow_fragments=False)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs):
        raise UsageError(f"{mask(text)!r} names an option twice")
    return StoreUrl(scheme, parts.netloc, unquote(parts.path.removeprefix("/")), options, text)


def mask(text: str) -> str:
    """Return a URL fit for people and logs: the password and secret options are replaced by ***."""
    text = re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", str(text))
    return re.sub(r"([?&](?:\w*password|token|secret|key)=)[^&]*", r"\1***", text)


def check_options(url: StoreUrl, known: set[str]) -> None:
    """Raise UsageError for an option that the engine does not have."""
    for name in url.options:
        if name not in known:
            raise UsageError(
                f"{mask(url.text)!r} has the unknown option {name!r}; known: {', '.join(sorted(known)) or 'none'}"
            )
