"""Rewrite one async module as its sync twin. Text in, text out; `unasync.py` does the files.

Code is rewritten token by token, so a name is never mistaken for a part of another. Strings and
comments are prose as well as code, so they get rules of their own:
- names change as in code (`AsyncStore` -> `Store`, `_async` -> `_sync`), whole words only;
- `async def|for|with` loses its `async`;
- `await` goes where code follows (`await store.get(...)`) and stays where a sentence goes on
  ("callers await the result"). In an f-string it always goes, because its braces hold code;
- bytes are data and stay as they are.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

# What does not follow the rule `AsyncName` -> `Name`.
NAMES = {
    "AbstractAsyncContextManager": "AbstractContextManager",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "_async": "_sync",
    "aclose": "close",
    "aclosing": "closing",
    "aiter": "iter",
    "aiter_lines": "iter_lines",
    "anext": "next",
    "aread": "read",
    "asend": "send",
    "asynccontextmanager": "contextmanager",
    "athrow": "throw",
}
KEPT: frozenset[str] = frozenset()  # names that begin with Async and are the same on both sides

_PREFIXED = re.compile(r"(_*)Async([A-Z]\w*)")
_WORD = re.compile(r"\\.|[A-Za-z_]\w*", re.DOTALL)  # an escape ends before the word does
_ARTICLE = re.compile(r"\b([Aa])n (?=`{0,2}Async[B-DF-HJ-NP-TV-Z])")
_ASYNC_WORD = re.compile(r"\basync (?=(?:def|for|with)\b)")
_AWAIT_CODE = re.compile(r"\bawait +(?=[A-Za-z_]\w*(?:\.[A-Za-z_]|\(|\[))")
_AWAIT_ANY = re.compile(r"\bawait +(?=[\w(])")
_MARKER = re.compile(r"#\s*sync:\s*([\w-]*)")
_MARKERS = ("off", "on", "skip-file")
_BLANK = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING)
# Since 3.12 an f-string is several tokens, before it was one; both are read as one piece here.
_OPENERS = ("FSTRING_START", "TSTRING_START")
_CLOSERS = ("FSTRING_END", "TSTRING_END")


class MarkerError(Exception):
    """A `# sync:` comment that is unknown, in the wrong place or without its other half."""


class _Piece(NamedTuple):
    """A token, or a whole f-string, with its place in the text."""

    kind: str
    text: str
    start: int
    end: int
    line: int


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def to_sync(source: str) -> str:
    """Return the sync twin of a module. Raise MarkerError for a marker that makes no sense."""
    text = _without_blocks(source)
    pieces = _pieces(text)
    edits: list[_Edit] = []
    for index, piece in enumerate(pieces):
        if piece.kind == "NAME":
            edits += _name_edits(text, pieces, index)
        elif piece.kind in {"STRING", "COMMENT"}:
            edits.append(_Edit(piece.start, piece.end, prose(piece.text)))
    return _applied(text, edits)


def is_skipped(source: str) -> bool:
    """Return whether `# sync: skip-file` stands before the first statement."""
    return any(word == "skip-file" for _, word in _markers(source))


def name(word: str) -> str:
    """Return the sync name of an identifier."""
    if word in KEPT:
        return word
    if word in NAMES:
        return NAMES[word]
    found = _PREFIXED.fullmatch(word)
    return found[1] + found[2] if found else word


def prose(text: str) -> str:
    """Return a string literal or a comment, as it stands in the source, in its sync form."""
    prefix = text[: len(text) - len(text.lstrip("bBfFrRtTuU"))].lower()
    if "b" in prefix:
        return text
    await_rule = _AWAIT_ANY if "f" in prefix or "t" in prefix else _AWAIT_CODE
    text = await_rule.sub("", _ASYNC_WORD.sub("", _ARTICLE.sub(r"\1 ", text)))
    return _WORD.sub(lambda found: name(found[0]), text)


def _without_blocks(source: str) -> str:
    """Return the text without the lines from each `# sync: off` to its `# sync: on`."""
    lines = _lines(source)
    opened = 0  # the row of the `off` that waits for its `on`
    for row, word in _markers(source):
        if word == "off":
            _require(not opened, row, "`# sync: off` inside a block that is off")
            opened = row
        elif word == "on":
            _require(bool(opened), row, "`# sync: on` without `# sync: off`")
            lines[opened - 1 : row] = [""] * (row - opened + 1)
            opened = 0
    _require(not opened, opened, "`# sync: off` without `# sync: on`")
    return "".join(lines)


def _markers(source: str) -> Iterator[tuple[int, str]]:
    """Yield the row and the word of each marker that may stand where it stands."""
    top = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        found = _MARKER.match(token.string) if token.type == tokenize.COMMENT else None
        if found is None:
            top = top and token.type in _BLANK
            continue
        row, word = token.start[0], found[1]
        alone = not token.line[: token.start[1]].strip()
        _require(word in _MARKERS, row, f"`# sync: {word}` is unknown; use {', '.join(_MARKERS)}")
        _require(alone, row, f"`# sync: {word}` needs a line of its own")
        _require(top or word != "skip-file", row, "`# sync: skip-file` belongs to the top")
        yield row, word


def _lines(text: str) -> list[str]:
    """Return the lines as tokenize counts them; str.splitlines ends a line at U+2028 too."""
    return io.StringIO(text).readlines()


def _require(holds: bool, row: int, message: str) -> None:  # noqa: FBT001 - the condition comes first
    if not holds:
        raise MarkerError(f"line {row}: {message}")


def _pieces(text: str) -> list[_Piece]:
    """Return the tokens of a text, each f-string as one."""
    starts = [0]
    for line in _lines(text):
        starts.append(starts[-1] + len(line))
    pieces: list[_Piece] = []
    depth = opened = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        row = token.start[0]
        start = starts[min(row, len(starts)) - 1] + token.start[1]
        end = starts[min(token.end[0], len(starts)) - 1] + token.end[1]
        if kind in _OPENERS:
            opened = opened if depth else start
            depth += 1
        elif kind in _CLOSERS:
            depth -= 1
            if not depth:
                pieces.append(_Piece("STRING", text[opened:end], opened, end, row))
        elif not depth:
            pieces.append(_Piece(kind, token.string, start, end, row))
    return pieces


def _name_edits(text: str, pieces: list[_Piece], index: int) -> list[_Edit]:
    piece = pieces[index]
    after = pieces[index + 1]
    if piece.text == "await" or (piece.text == "async" and after.text in {"def", "for", "with"}):
        end = after.start if after.line == piece.line and after.kind != "NL" else piece.end
        return [_Edit(piece.start, end, "")]
    if piece.text == "pytest" and _is_anyio_mark(pieces, index):
        return [_mark_edit(text, pieces, index)]
    if after.text == "[" and piece.text in {"AsyncGenerator", "Awaitable", "Coroutine"}:
        return _generic_edits(pieces, index)
    changed = name(piece.text)
    return [] if changed == piece.text else [_Edit(piece.start, piece.end, changed)]


def _is_anyio_mark(pieces: list[_Piece], index: int) -> bool:
    words = [piece.text for piece in pieces[index : index + 5]]
    return words == ["pytest", ".", "mark", ".", "anyio"]


def _mark_edit(text: str, pieces: list[_Piece], index: int) -> _Edit:
    """Remove the mark: its whole line where nothing else is on it, else the one item of a list."""
    last = pieces[index + 4]
    before = [piece.text for piece in pieces[max(index - 2, 0) : index]]
    if before[-1:] == ["@"] or before == ["pytestmark", "="]:
        newline = next(piece for piece in pieces[index:] if piece.kind == "NEWLINE")
        return _Edit(text.rfind("\n", 0, pieces[index].start) + 1, newline.end, "")
    if pieces[index + 5].text == ",":
        return _Edit(pieces[index].start, pieces[index + 5].end, "")
    start = pieces[index - 1].start if pieces[index - 1].text == "," else pieces[index].start
    return _Edit(start, last.end, "")


def _generic_edits(pieces: list[_Piece], index: int) -> list[_Edit]:
    """Rewrite a generic type: what is awaited is the value; a sync generator also returns.

    `Awaitable[T]` -> `T`, `Coroutine[X, Y, T]` -> `T`,
    `AsyncGenerator[Y, S]` -> `Generator[Y, S, None]`.
    """
    piece = pieces[index]
    arguments, close = _arguments(pieces, index + 1)
    if piece.text == "AsyncGenerator":
        end = arguments[-1][-1].end
        missing = [_Edit(end, end, ", None")] if len(arguments) == 2 else []
        return [_Edit(piece.start, piece.end, "Generator"), *missing]
    start = index
    while pieces[start - 1].text == "." and pieces[start - 2].kind == "NAME":
        start -= 2
    value = arguments[-1]
    first, last = pieces[start].start, close.end
    if [part.text for part in value] == ["None"]:  # `None | None` is no type
        after = pieces.index(close) + 1
        if [part.text for part in pieces[after : after + 2]] == ["|", "None"]:
            last = pieces[after + 1].end
        elif [part.text for part in pieces[start - 2 : start]] == ["None", "|"]:
            first = pieces[start - 2].start
    return [_Edit(first, value[0].start, ""), _Edit(value[-1].end, last, "")]


def _arguments(pieces: list[_Piece], bracket: int) -> tuple[list[list[_Piece]], _Piece]:
    """Return the arguments inside the bracket at this index, and the piece that closes it."""
    found: list[list[_Piece]] = [[]]
    depth = 0
    for piece in pieces[bracket:]:
        depth += piece.text in {"[", "(", "{"}
        depth -= piece.text in {"]", ")", "}"}
        if not depth:
            return [argument for argument in found if argument], piece
        if depth == 1 and piece.text == ",":
            found.append([])
        elif piece.start > pieces[bracket].start and piece.kind not in {"NL", "COMMENT"}:
            found[-1].append(piece)
    raise MarkerError(f"line {pieces[bracket].line}: a bracket is never closed")


def _applied(text: str, edits: list[_Edit]) -> str:
    """Return the text with the edits made. What lies inside an earlier edit is gone already."""
    out: list[str] = []
    done = 0
    for edit in sorted(edits):
        if edit.start < done:
            continue
        out += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*out, text[done:]])
