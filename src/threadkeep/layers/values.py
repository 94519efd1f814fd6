"""Values of fields and items, read with an error that names their place."""

from __future__ import annotations

from typing import Any

from threadkeep.errors import CodecError
from threadkeep.model.codec import decode, decode_as
from threadkeep.model.refs import Ref


def load(data: bytes, as_type: Any, ref: Ref, what: str, name: object) -> Any:
    """Return a stored value, typed when `as_type` is given; CodecError says whose (`what`, `name`) it is."""
    try:
        return decode(data) if as_type is None else decode_as(data, as_type)
    except CodecError as error:
        place = f"{what} {name!r}"
        raise CodecError(f"{place} of {ref}: {error}", ref=ref, place=place) from error
