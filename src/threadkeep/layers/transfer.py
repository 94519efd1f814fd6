"""An entity in pieces: what is read of it, how its content is told from another's, how it is written again.

An entity of any size is read and written in pieces of about a mebibyte. Reading is of one moment: fields
are refused (Torn) when the entity changed between two pieces, and of logs only what stood at the beginning
is read. What ends by itself (fields that run out) may go missing on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import structs

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.engine import Listed
from threadkeep.ops.ops import Get, Info, Item, Read
from threadkeep.ops.reply import EntityInfo, Field, Fields, Items, Reply

CHUNK = 1 << 20  # bytes of values in a piece, about
COUNT = 1_000  # fields or items in a piece, at most
MARK_MAP = "#import"  # stands in an entity that is written in several batches, until the last
MARK = "of"
NAMES = 8  # maps and logs that are guessed, about


class Torn(Exception):
    """The entity changed while it was read; whoever reads begins again."""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an entity before its content. `heads`: the last numbers that its logs gave."""

    ref: Ref
    epoch: str
    revision: int
    created: int
    updated: int
    labels: dict[str, str]
    window: int | None
    end: int | None
    heads: dict[str, int]


class FieldPiece(msgspec.Struct, frozen=True):
    """Some fields of a map."""

    map: str
    fields: dict[str, Field]


class ItemPiece(msgspec.Struct, frozen=True):
    """Some items of a log, in order."""

    log: str
    items: tuple[Item, ...]


Piece = FieldPiece | ItemPiece


class Standing(msgspec.Struct, frozen=True):
    """That an entity stands; `mark`: it is being written in pieces, and of what; `mark_revision` guards that."""

    info: EntityInfo
    mark: str | None
    mark_revision: int


class Survey(msgspec.Struct, frozen=True):
    """What there is to read: the sizes of fields, the counts of logs; `pieces` where all of it was small."""

    outline: Outline
    sizes: dict[str, dict[str, int]]
    counts: dict[str, int]
    pieces: tuple[Piece, ...] | None


def stands(ref: Ref) -> Plan[Standing | None]:
    """Plan to see whether an entity stands and whether it is whole; None when it does not."""

    def read(reply: Reply) -> Standing | None:
        info, marks = reply.results
        assert isinstance(marks, Fields)  # noqa: S101 - the reply to a Get
        if not isinstance(info, EntityInfo):
            return None
        field = marks.fields.get(MARK)
        mark = None if field is None else field.value[2:-1].decode()
        return Standing(info, mark, 0 if field is None else field.revision)

    return Plan(Batch(ref, (Info(), Get(MARK_MAP, renew=False))), read)


class Names:
    """Guesses what maps and logs an entity has, which listings do not tell, by others of its kind."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[set[str], set[str]]] = {}

    def learn(self, found: Survey) -> None:
        """Take note of what an entity has."""
        maps, logs = self._seen.setdefault(found.outline.ref.kind, (set(), set()))
        if len(maps) + len(logs) < NAMES:
            maps.update(found.sizes)
            logs.update(found.counts)

    def guess(self, listed: Listed) -> EntityInfo:
        """Return what is known of an entity, with the names it may have."""
        maps, logs = self._seen.get(listed.ref.kind, ((), ()))
        return structs.replace(listed.info, maps=tuple(sorted(maps)), logs=tuple(sorted(logs)))


def mark_value(text: str) -> bytes:
    """Return the stored form of a mark, which holds hexadecimal digits and colons."""
    return b'j"' + text.encode() + b'"'


def survey(ref: Ref, known: EntityInfo) -> Plan[Survey]:
    """Plan to see what there is to read. Torn when the entity has maps or logs that `known` does not name."""
    small = known.bytes <= CHUNK and known.items + known.fields <= COUNT
    ops = (
        Info(),
        *(Get(name, renew=False, values=small) for name in known.maps),
        *(Read(name, limit=None if small else 0) for name in known.logs),
    )

    def read(reply: Reply) -> Survey:
        info, *found = reply.results
        if not isinstance(info, EntityInfo):
            raise Torn
        if not (set(info.maps) <= {*known.maps} and set(info.logs) <= {*known.logs}):
            raise Torn
        maps = {
            name: each.fields
            for name, each in zip(known.maps, found, strict=False)
            if name in info.maps and isinstance(each, Fields)
        }
        logs = {
            name: each
            for name, each in zip(known.logs, found[len(known.maps) :], strict=True)
            if name in info.logs and isinstance(each, Items)
        }
        return Survey(
            _outline(ref, info, {name: log.head for name, log in logs.items()}),
            {name: {n: f.size for n, f in fields.items()} for name, fields in maps.items()},
            {name: log.count for name, log in logs.items()},
            _pieces(maps, logs) if small else None,
        )

    return Plan(Batch(ref, ops), read)


def _outline(ref: Ref, info: EntityInfo, heads: dict[str, int]) -> Outline:
    return Outline(
        ref=ref,
        epoch=info.epoch,
        revision=info.revision,
        created=info.created,
        updated=info.updated,
        labels=dict(sorted(info.labels.items())),
        window=info.window,
        end=info.end,
        heads=dict(sorted(heads.items())),
    )


def _pieces(maps: dict[str, dict[str, Field]], logs: dict[str, Items]) -> tuple[Piece, ...]:
    held = [FieldPiece(name, maps[name]) for name in sorted(maps) if maps[name]]
    kept = [ItemPiece(name, logs[name].items) for name in sorted(logs) if logs[name].items]
    return (*held, *kept)


def groups(sizes: Iterable[tuple[str | int, int]]) -> Iterator[list[str | int]]:
    """Yield names or numbers in groups of about CHUNK bytes and at most COUNT."""
    group: list[str | int] = []
    weight = 0
    for name, size in sizes:
        if group and (weight + size > CHUNK or len(group) == COUNT):
            yield group
            group, weight = [], 0
        group.append(name)
        weight += size
    if group:
        yield group


def some_fields(outline: Outline, map_: str, names: tuple[str, ...]) -> Plan[FieldPiece]:
    """Plan to read some fields. Torn when the entity has changed."""

    def read(reply: Reply) -> FieldPiece:
        if (reply.epoch, reply.revision) != (outline.epoch, outline.revision):
            raise Torn
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        return FieldPiece(map_, result.fields)

    return Plan(Batch(outline.ref, (Get(map_, names, renew=False),)), read)


def item_sizes(outline: Outline, log: str, after: int) -> Plan[list[tuple[str | int, int]]]:
    """Plan to read the numbers and sizes of the next items. Torn when it is another entity by now."""
    op = Read(log, after, outline.heads[log] + 1, COUNT, values=False)

    def read(reply: Reply) -> list[tuple[str | int, int]]:
        return [(item.seq, item.size) for item in _items(outline, reply)]

    return Plan(Batch(outline.ref, (op,)), read)


def some_items(outline: Outline, log: str, first: int, last: int) -> Plan[ItemPiece]:
    """Plan to read the items from one number to another. Torn when it is another entity by now."""
    op = Read(log, first - 1, last + 1)
    return Plan(Batch(outline.ref, (op,)), lambda reply: ItemPiece(log, _items(outline, reply)))


def _items(outline: Outline, reply: Reply) -> tuple[Item, ...]:
    result = reply.results[0]
    if reply.epoch != outline.epoch:
        raise Torn
    assert isinstance(result, Items)  # noqa: S101 - the reply to a Read
    return result.items


class Digest:
    """The content of an entity as one number, told piece by piece in the order of reading.

    Two entities have the same one when their labels, fields, logs and kinds of leases are equal. Left out is
    what moves without a write: the ends of sliding leases, and fields that have run out by `now`.
    """

    def __init__(self, outline: Outline, now: int) -> None:
        self._hash = hashlib.sha256()
        self._now = now
        self.fields = 0
        self.items = 0
        lease = (outline.window, None if outline.window else outline.end)
        self._put(("entity", *lease, sorted(outline.labels.items()), sorted(outline.heads.items())))

    def _put(self, record: tuple[object, ...]) -> None:
        data = msgspec.msgpack.encode(record)
        self._hash.update(len(data).to_bytes(8, "big"))
        self._hash.update(data)

    def add(self, piece: Piece) -> None:
        """Take the next piece in."""
        if isinstance(piece, ItemPiece):
            for item in piece.items:
                self.items += 1
                self._put((piece.log, item.seq, item.id, item.at, item.refs, item.value))
            return
        for name, field in sorted(living(piece, self._now).items()):
            self.fields += 1
            end = None if field.window else field.end
            self._put((piece.map, name, field.window, end, field.refs, field.value))

    @property
    def text(self) -> str:
        """Return it as hexadecimal digits."""
        return self._hash.hexdigest()


def living(piece: FieldPiece, now: int) -> dict[str, Field]:
    """Return the fields that have not run out."""
    return {n: f for n, f in piece.fields.items() if f.end is None or f.end > now}


def weight(piece: Piece) -> int:
    """Return the bytes of the values in a piece."""
    if isinstance(piece, FieldPiece):
        return sum(len(field.value) for field in piece.fields.values())
    return sum(len(item.value) for item in piece.items)
