"""The keys of a thread's fields: found by a walk over all keys, read and written by one script."""

from __future__ import annotations

from typing import Any, Final

from threadkeep.concurrency import AsyncFlow
from threadkeep.engines.redis.keyed.names import KeyNames
from threadkeep.engines.redis.keyed.parts import Answers, Program, merged
from threadkeep.engines.redis.links import AsyncNodes, Script, ServerError, slot_of
from threadkeep.errors import CodecError, ThreadkeepError, UsageError
from threadkeep.model.refs import Ref

PAGE: Final = 1_000  # keys that one step of a walk looks at


class AsyncKeyedFields:
    """Fields of threads as keys. On a cluster each slot is a call of its own."""

    def __init__(self, nodes: AsyncNodes, names: KeyNames) -> None:
        self._nodes, self._names = nodes, names
        self._script = Script.load("threadkeep.engines.redis.keyed.lua")

    async def find(self, ref: Ref, prefix: str | None = None) -> list[str]:
        """Return the fields that stand, sorted: a walk over all keys of the database."""
        pattern = self._names.pattern(ref)
        keys: list[bytes] = []
        for slot in await self._nodes.primaries():
            cursor = b"0"
            while True:
                step = ("SCAN", cursor, "MATCH", pattern, "COUNT", PAGE, "TYPE", "string")
                (answer,) = await self._nodes.call(slot, [step], again=True)
                if isinstance(answer, Exception):
                    raise answer
                cursor = answer[0]
                keys += answer[1]
                if cursor == b"0":
                    break
        return [name for name in self._names.fields(ref, keys) if name.startswith(prefix or "")]

    def _groups(self, ref: Ref, program: Program) -> list[list[str]]:
        """Return the fields by the calls that they take. Raises UsageError for names that cannot be keys."""
        fields = program.fields
        keys = self._names.keys(ref, fields)
        if not self._names.tagged:
            return [fields] if fields else []
        by_slot: dict[int, list[str]] = {}
        for name, key in zip(fields, keys[::2], strict=True):
            by_slot.setdefault(slot_of(key.encode()), []).append(name)
        if len(by_slot) > 1 and program.guards:
            raise UsageError(
                "with layout=keys on a cluster a condition takes one field a call: each field has its own slot"
            )
        return list(by_slot.values())

    def check(self, ref: Ref, program: Program) -> None:
        """Raise UsageError for what cannot be done, before anything is."""
        self._groups(ref, program)

    async def run(
        self, ref: Ref, program: Program, revision: int = 0
    ) -> tuple[int | None, Answers]:
        """Run a program. Returns the number of the guard that failed, if any, and the answers.

        One call, atomic; on a cluster one for each slot. Raises CodecError where a key holds something else
        than a string.
        """
        answered: list[tuple[list[str], Any]] = []
        groups = self._groups(ref, program)

        async def ask(fields: list[str]) -> None:
            answered.append((fields, await self._call(ref, program, fields, revision)))

        await AsyncFlow.each(groups, ask, len(groups) or 1)
        for _, answer in answered:
            if isinstance(answer, Exception):
                raise answer
        lost = [answer[0] for _, answer in answered if answer[0] >= 0]
        return (lost[0] if lost else None), merged(program, answered)

    async def _call(self, ref: Ref, program: Program, fields: list[str], revision: int) -> Any:
        """Return the answer of the script, or what went wrong."""
        keys = self._names.keys(ref, fields)
        command = (self._script, len(keys), *keys, *program.packed(fields, revision))
        try:
            (answer,) = await self._nodes.call(
                slot_of(keys[0].encode()), [command], again=not program.writes
            )
        except ThreadkeepError as error:
            return error
        if isinstance(answer, ServerError) and "WRONGTYPE" in str(answer):
            return CodecError(f"a key of the fields of {ref} holds something else than a string")
        return answer
