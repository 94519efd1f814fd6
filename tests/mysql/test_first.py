"""What the answers of a first packet mean where statements of it saw different moments."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep.engines.sql.mysql.load import Loading
from threadkeep.engines.sql.mysql.need import Need
from threadkeep.engines.sql.mysql.packet import Packet
from threadkeep.errors import DataLost
from threadkeep.model.refs import Ref

REF = Ref("default", "thread", "t")
STANDS = (7, 1, 5, 1, 0, 3, b"epoch", None, None, 4, None, None, None, 2, 4, 0, 0)
NOTHING = (None,) * len(STANDS)
ENDED = (0, b"state", b"a", 2, 4)


def _asked(need: Need, *, lock: bool = True) -> tuple[Loading, Packet]:
    loading, packet = Loading([REF], [need]), Packet()
    loading.ask(packet, 10, lock=lock, mariadb=True)
    return loading, packet


def _first(entity: tuple[Any, ...], *, late: int = 0, lock: bool = True) -> list[tuple[Any, ...]]:
    return [(0, 10, late, late, *((9,) * lock), *entity)]


@pytest.mark.parametrize("ended", [[ENDED], []])
def test_what_has_run_out_is_known_where_it_was_asked_for(ended: list[tuple[Any, ...]]):
    loading, packet = _asked(Need())
    packet.deliver([_first(STANDS, late=1), ended, []])
    ends = loading.facts[0].ends
    assert ends is not None
    assert list(ends.items()) == [(("state", "a"), (2, 4))] * len(ended)
    assert loading.tops == {("default", "thread"): 9}


def test_it_is_not_taken_for_nothing_where_it_was_not_asked_for():
    loading, packet = _asked(Need())
    packet.deliver([_first(STANDS, late=1), []])
    assert loading.facts[0].ends is None


def test_what_was_made_after_the_first_statement_is_left_to_the_next_try():
    loading, packet = _asked(Need(spans={("messages", 0, None, 5, True): True}))
    packet.deliver([_first(NOTHING), [], [(b"messages", 1, None, None, 1, 2, b"j1")]])
    assert loading.facts[0].row is None
    assert loading.facts[0].logs["messages"].items == {}


def test_in_one_snapshot_it_is_lost_data():
    need = Need(spans={("messages", 0, None, 5, True): True})
    _, packet = _asked(need, lock=False)
    found = [_first(NOTHING, lock=False), [], [(b"messages", 1, None, None, 1, 2, b"j1")]]
    with pytest.raises(DataLost, match="messages"):
        packet.deliver(found)
