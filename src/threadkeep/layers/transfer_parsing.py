"""Reading an export line by line; what is wrong with it is said with the number of the line."""

from __future__ import annotations

from typing import Literal, NoReturn

import msgspec

from threadkeep.errors import CodecError, UsageError
from threadkeep.layers.transfer import Piece
from threadkeep.layers.transfer_format import (
    FORMAT,
    VERSION,
    AnyLine,
    End,
    EntityLine,
    FieldsLine,
    Footer,
    Header,
    ItemsLine,
    Void,
    opened,
    piece_of,
)
from threadkeep.model.refs import LABEL_VALUE_BYTES, SHORT_BYTES, check_name, ref

HIDDEN = "#"

_decode = msgspec.json.Decoder(AnyLine).decode


class Loose(msgspec.Struct, frozen=True):
    """What is read of a first line before it is known to be of this version."""

    format: str = ""
    version: int = 0


_decode_loosely = msgspec.json.Decoder(Loose).decode


class Place(msgspec.Struct, frozen=True):
    """How far the reading is; a parser can be set back to it."""

    number: int = 0
    chain: bytes = b""
    where: Literal["start", "between", "inside", "done"] = "start"
    heads: dict[str, int] = {}
    log: tuple[str, int] = ("", 0)
    fields: int = 0
    items: int = 0
    totals: tuple[int, int, int] = (0, 0, 0)


class Parser:
    """Takes the lines of an export in order. Raises CodecError that names the line."""

    def __init__(self, place: Place | None = None) -> None:
        self.place = place or Place()

    def fail(self, why: str) -> NoReturn:
        """Raise the error for the line that was read last."""
        raise CodecError(f"line {self.place.number}: {why}", line=self.place.number)

    def feed(self, data: bytes) -> AnyLine:
        """Return the next line, checked."""
        place = self.place
        self.place = msgspec.structs.replace(place, number=place.number + 1)
        if place.where == "done":
            self.fail("something follows the footer, which must be the last line")
        text = data.rstrip(b"\r\n")
        if place.where == "start":
            self._check_version(text)
        digest = opened(text, place.chain)
        if digest is None:
            if not data.endswith(b"\n"):
                self.fail("the file is cut off in this line")
            self.fail(
                "the checksum does not fit: this line is damaged, or one before it is missing"
            )
        try:
            line = _decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self.fail(f"it cannot be read: {error}")
        self.place = msgspec.structs.replace(self._after(line), chain=digest)
        return line

    def finish(self) -> None:
        """Raise the error for a file that ends before its footer."""
        if self.place.where != "done":
            raise self.cut_off()

    def cut_off(self) -> CodecError:
        """Return the error for a file that ends where the reading stands."""
        number = self.place.number + 1
        why = "the file ends here, before its footer: it was cut off"
        if self.place.where == "start":
            why = "the file is empty; it is no threadkeep export"
        return CodecError(f"line {number}: {why}", line=number)

    def piece(self, line: FieldsLine | ItemsLine) -> Piece:
        """Return the piece of the line read last."""
        try:
            return piece_of(line)
        except ValueError as error:
            self.fail(str(error))

    def _check_version(self, text: bytes) -> None:
        try:
            header = _decode_loosely(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            header = Loose()
        if header.format != FORMAT:
            self.fail("this is no threadkeep export")
        if header.version != VERSION:
            self.fail(
                f"the export has format version {header.version}, this release reads {VERSION};"
                " use the release that wrote it, or a newer one"
            )

    def _after(self, line: AnyLine) -> Place:
        """Return the place after a line. Raises for one that may not stand here."""
        place = self.place
        if isinstance(line, Header):
            return self._expect("start", msgspec.structs.replace(place, where="between"))
        if isinstance(line, EntityLine):
            return self._expect("between", self._entity(line))
        if isinstance(line, FieldsLine):
            return self._expect("inside", self._fields(line))
        if isinstance(line, ItemsLine):
            return self._expect("inside", self._items(line))
        if isinstance(line, Void):
            return self._expect("inside", msgspec.structs.replace(place, where="between"))
        if isinstance(line, End):
            return self._expect("inside", self._end(line))
        return self._expect("between", self._footer(line))

    def _expect(self, where: str, after: Place) -> Place:
        if self.place.where != where:
            self.fail("this line may not stand here; the file was put together wrongly")
        return after

    def _entity(self, line: EntityLine) -> Place:
        try:
            ref(line.namespace, line.kind, line.id)
            for name, value in line.labels.items():
                check_name(name, "label name", SHORT_BYTES)
                check_name(value, "label value", LABEL_VALUE_BYTES)
            for log in line.heads:
                check_name(log, "log name", SHORT_BYTES)
        except UsageError as error:
            self.fail(str(error))
        self._lease(line.window, line.end)
        if any(head >= 1 << 32 for head in line.heads.values()):
            self.fail("the last number of a log is too large")
        return msgspec.structs.replace(
            self.place,
            where="inside",
            heads=line.heads,
            log=("", 0),
            fields=0,
            items=0,
        )

    def _lease(self, window: int | None, end: int | None) -> None:
        if window is not None and (window == 0 or end is None):
            self.fail("a sliding lease needs a window and an end")

    def _fields(self, line: FieldsLine) -> Place:
        try:
            check_name(line.map, "map name", SHORT_BYTES)
            for entry in line.fields:
                check_name(entry.name, "field name")
        except UsageError as error:
            self.fail(str(error))
        if line.map.startswith(HIDDEN):
            self.fail(f"map {line.map!r} belongs to threadkeep and is never exported")
        for entry in line.fields:
            self._lease(entry.window, entry.end)
        if len({entry.name for entry in line.fields}) != len(line.fields):
            self.fail("a field stands twice")
        fields = self.place.fields + len(line.fields)
        return msgspec.structs.replace(self.place, fields=fields)

    def _items(self, line: ItemsLine) -> Place:
        head = self.place.heads.get(line.log)
        if head is None:
            self.fail(f"log {line.log!r} is not among those of the entity")
        log, last = self.place.log
        if log != line.log:
            last = 0
        try:
            for item in line.items:
                if not last < item.seq <= head:
                    self.fail(f"number {item.seq} of log {line.log!r} is out of order")
                last = item.seq
                if item.id is not None:
                    check_name(item.id, "item id")
        except UsageError as error:
            self.fail(str(error))
        items = self.place.items + len(line.items)
        return msgspec.structs.replace(self.place, items=items, log=(line.log, last))

    def _end(self, line: End) -> Place:
        place = self.place
        if (line.fields, line.items) != (place.fields, place.items):
            self.fail(
                f"the entity has {place.fields} fields and {place.items} items in this file,"
                f" not {line.fields} and {line.items}"
            )
        entities, fields, items = place.totals
        totals = (entities + 1, fields + line.fields, items + line.items)
        return msgspec.structs.replace(place, where="between", totals=totals)

    def _footer(self, line: Footer) -> Place:
        entities, fields, items = self.place.totals
        if (line.entities, line.fields, line.items) != self.place.totals:
            self.fail(
                f"the file has {entities} entities, {fields} fields and {items} items,"
                f" not {line.entities}, {line.fields} and {line.items}"
            )
        return msgspec.structs.replace(self.place, where="done")
