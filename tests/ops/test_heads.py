"""The heads of logs that a sealing wrapper has seen."""

from __future__ import annotations

from threadkeep.model.refs import Ref
from threadkeep.ops.assumed import KNOWN_HEADS, Heads


def test_the_logs_used_last_are_known():
    heads = Heads()
    refs = [Ref("n", "thread", str(number)) for number in range(KNOWN_HEADS + 10)]
    for number, ref in enumerate(refs, 1):
        heads.put(refs[0], "log", 7)
        heads.put(ref, "log", number)
    heads.put(refs[0], "log", 9)
    assert heads.get(refs[0], "log") == 9
    assert heads.get(refs[0], "other") == 0
    assert [heads.get(ref, "log") for ref in refs[1:12]] == [0] * 10 + [12]
    assert heads.get(refs[-1], "log") == len(refs)
