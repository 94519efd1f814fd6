"""What can go wrong between here and a server."""

from __future__ import annotations

import re
from typing import Final

from threadkeep.errors import Forbidden, ThreadkeepError, Unavailable


class ServerError(ThreadkeepError):
    """An error that the server answered; `code` is its first word, `said` the rest."""

    def __init__(self, code: str, said: str, advice: str = "") -> None:
        super().__init__(f"the server answered {code}: {said}{advice}", code=code)
        self.code, self.said = code, said

    @staticmethod
    def parse(text: str) -> ServerError:
        """Return the error that an error reply means."""
        code, _, said = text.partition(" ")
        said = said.partition(", with args beginning with")[0]  # those are the caller's data
        if code in {"ERR", "EXECABORT"} and (within := _WITHIN.search(said)):
            code, said = within.groups()
        if code in _REFUSALS:
            return RefusedByServer(code, said)
        return FullServer(code, said, _ADVICE[code]) if code in _ADVICE else ServerError(code, said)


class RefusedByServer(ServerError, Forbidden):
    """The server does not let this user do that."""


class FullServer(ServerError, Unavailable):
    """The server takes no writes now. Nothing was written."""


# what a script or a transaction was refused with, as the servers' versions report it
_WITHIN: Final = re.compile(
    r"(?:user_script: ?\d+|discarded because of): -?(?!ERR)([A-Z]{3,}) (.*?)(?: script: .*)?$"
)
_REFUSALS: Final = {"NOPERM", "NOAUTH", "WRONGPASS", "DENIED"}
_ADVICE: Final = {
    "OOM": "; give it more memory (maxmemory) or delete something",
    "MISCONF": "; see its log, it cannot write to its disk",
    "NOREPLICAS": "; too few of its replicas are connected (min-replicas-to-write)",
}


class Unready(Unavailable):
    """The server is there and not ready: it loads its data, has no primary or runs a long script."""


class Closed(Unavailable):
    """The store is closed: there is nothing to wait for."""


class Lost(Exception):
    """A connection has ended before the answer came. `sent` is False when the server cannot have the call."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class Late(Exception):
    """The answer has not come by the deadline; it will be dropped when it does."""


class Unsynced(Late):
    """The server did it, and has not said by the deadline that its disk has it."""
