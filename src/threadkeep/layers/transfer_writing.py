"""The batches that write an entity from its pieces."""

from __future__ import annotations

from collections.abc import Iterator

from threadkeep.errors import Conflict
from threadkeep.layers.transfer import (
    CHUNK,
    MARK,
    MARK_MAP,
    FieldPiece,
    Outline,
    Piece,
    Standing,
    Survey,
    living,
    mark_value,
)
from threadkeep.model.leases import Lease
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import AnyGuard, AnyOp, Del, Label, Restore, Revision, Same, Set, Touch
from threadkeep.ops.reply import Reply


class Occupied(Conflict):
    """Nothing was written, because an entity stands there."""


class Packing:
    """Gathers pieces into batches. A small entity is one batch; a large one bears a mark until its last.

    `mark`: what the content is of, so that writing it can be taken up again. `begun`: the marked entity that
    stands from before; `there`: what is in it, which is not written again.
    """

    def __init__(
        self,
        outline: Outline,
        mark: str,
        now: int,
        begun: Standing | None = None,
        there: Survey | None = None,
    ) -> None:
        self._outline, self._mark, self._now = outline, mark, now
        self._guard: AnyGuard | None = None
        if begun is not None:
            self._guard = Same(MARK_MAP, MARK, begun.mark_revision)
        self._heads = there.outline.heads if there else {}
        self._sizes = there.sizes if there else {}
        self._ops: list[AnyOp] = []
        self._weight = 0

    def add(self, piece: Piece) -> Plan[int] | None:
        """Take a piece in; return what is to be written now, None while it is little.

        The plan returns the revision that `wrote` is to be told.
        """
        plan = self._flush(last=False) if self._weight >= CHUNK else None
        if isinstance(piece, FieldPiece):
            sizes = self._sizes.get(piece.map, {})
            fields = {
                name: field
                for name, field in living(piece, self._now).items()
                if sizes.get(name) != len(field.value)
            }
            self._ops.extend(sets(FieldPiece(piece.map, fields)))
            self._weight += sum(len(field.value) for field in fields.values())
        else:
            above = self._heads.get(piece.log, 0)
            items = tuple(item for item in piece.items if item.seq > above)
            if items:
                self._ops.append(Restore(piece.log, items))
            self._weight += sum(len(item.value) for item in items)
        return plan

    def finish(self) -> Iterator[Plan[int]]:
        """Yield the last writes, each after `wrote` was told of the one before.

        None come when there is nothing that stands, all of it having run out.
        """
        outline = self._outline
        self._ops.extend(Restore(log, (), head) for log, head in outline.heads.items())
        if outline.labels:
            self._ops.append(Label(dict(outline.labels)))
        if outline.end is not None:
            lease = Touch(lease=Lease(outline.window, outline.end))
            if not self._ops and self._guard is None:
                self._ops.append(lease)
                yield self._flush(last=False)  # a lease alone creates nothing; the mark does
            self._ops.append(lease)
        if self._ops or self._guard is not None:
            yield self._flush(last=True)

    def wrote(self, revision: int) -> None:
        """Take note that a plan was run."""
        if self._guard is None:
            self._guard = Same(MARK_MAP, MARK, revision)

    def _flush(self, *, last: bool) -> Plan[int]:
        ref = self._outline.ref
        ops, self._ops, self._weight = tuple(self._ops), [], 0
        guard = self._guard
        if guard is None:
            guard = Revision(0)
            if not last:
                ops = (Set(MARK_MAP, {MARK: mark_value(self._mark)}), *ops)
        elif last:
            ops = (*ops, Del(MARK_MAP))

        def read(reply: Reply) -> int:
            if not reply.ok:
                refused = Occupied if isinstance(guard, Revision) else Conflict
                raise refused(
                    f"{ref} was written by somebody else meanwhile; run it again",
                    revision=reply.revision,
                    ref=ref,
                )
            return reply.revision

        return Plan(Batch(ref, ops, (guard,)), read)


def sets(piece: FieldPiece) -> list[Set]:
    """Return the writes of fields, one for each lease among them; leases keep their ends."""
    by_lease: dict[tuple[int | None, int | None], dict[str, bytes]] = {}
    refs = {name: field.refs for name, field in piece.fields.items() if field.refs}
    for name, field in piece.fields.items():
        by_lease.setdefault((field.window, field.end), {})[name] = field.value
    return [
        Set(piece.map, items, Lease(*lease), refs={n: refs[n] for n in items if n in refs} or None)
        for lease, items in by_lease.items()
    ]
