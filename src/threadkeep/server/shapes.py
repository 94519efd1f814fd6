"""What the texts of a request may be, as JSON Schema can say it: for the document, the server checks them itself.

Names are counted in bytes, which JSON Schema cannot say: `maxLength` is their limit in ASCII.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from threadkeep.layers.kv import TYPE_BYTES
from threadkeep.model.parts import PREFIX
from threadkeep.model.refs import KINDS, LABEL_VALUE_BYTES, NAME_BYTES, SHORT_BYTES

Shape = dict[str, Any]
_CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f"


def bounded(most: int) -> Shape:
    """Return the shape of a text of at most so many bytes."""
    said = f"1 to {most} bytes in UTF-8."
    return {"type": "string", "minLength": 1, "maxLength": most, "description": said}


def named(most: int = NAME_BYTES, first: str = "") -> Shape:
    """Return the shape of a name of at most so many bytes; `first` cannot begin it."""
    pattern = rf"^[^{first}{_CONTROLS}][^{_CONTROLS}]*$" if first else rf"^[^{_CONTROLS}]+$"
    return bounded(most) | {"pattern": pattern}


NAME: Final = named()
PART: Final = named(NAME_BYTES - len(PREFIX))
KV: Final = named(NAME_BYTES - 3)  # that much is left by a key of one byte
KV_BOTH: Final[Shape] = {
    "type": "string",
    "minLength": 1,
    "pattern": rf"^[^{_CONTROLS}]+$",
    "description": "With the other of namespace and key 510 bytes in UTF-8; a space in the namespace counts twice.",
}
NUMBER: Final[Shape] = {"type": "string", "pattern": "^[0-9]{1,18}$"}

Name = Annotated[str, msgspec.Meta(extra_json_schema=NAME)]
KvPrefix = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": rf"^[^{_CONTROLS}]*$"})]
KvKey = Annotated[str, msgspec.Meta(extra_json_schema=KV_BOTH)]
ValueKey = Annotated[str, msgspec.Meta(extra_json_schema=NAME | {"not": {"enum": [".", ".."]}})]
LabelName = Annotated[str, msgspec.Meta(extra_json_schema=named(SHORT_BYTES, "#"))]
LabelValue = Annotated[str, msgspec.Meta(extra_json_schema=named(LABEL_VALUE_BYTES))]
ContentType = Annotated[str, msgspec.Meta(extra_json_schema=named(TYPE_BYTES))]
Namespace = Annotated[str, msgspec.Meta(extra_json_schema=named(first="#"))]
EntityKind = Annotated[str, msgspec.Meta(extra_json_schema={"enum": sorted(KINDS)})]
