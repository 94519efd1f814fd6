"""Cut the power without FUSE: record a subject, replay its calls, verify what would be left."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.faults.disk import Cut
from tests.faults.recording import Call, calls, recorder
from tests.faults.replay import Replay
from tests.faults.run import running
from tests.faults.verify import Verdict, verify

FLOOR = 50  # a moment does not count below so many acknowledged batches
CALLERS, COUNT = 4, 40  # the recorded script: 160 batches


def crash_images(
    folder: Path, strace: str, durability: str, images: int | None, random: Random
) -> list[Verdict]:
    """Verify `images` power cuts at random moments of one recorded run.

    None: one cut after each change and each sync.
    """
    files, ledger, recording = folder / "files", folder / "ledger", folder / "recording"
    files.mkdir(parents=True)
    url = f"sqlite:///{files}/p.db?durability={durability}"
    options = ("--mode", "async", "--callers", CALLERS, "--count", COUNT)
    with running(url, ledger, *options, under=recorder(strace, recording)) as subject:
        if code := subject.await_end():
            raise RuntimeError(f"the recorded subject ended with {code}")
    with recording.open() as lines:
        recorded = list(calls(lines))
    moments = _moments(recorded, Replay(files, ledger))
    chosen = set(moments if images is None else random.sample(moments, images))
    replay, verdicts = Replay(files, ledger), list[Verdict]()
    for position, call in enumerate(recorded):
        replay.feed(call)
        if position in chosen:
            image = folder / f"image{position}"
            replay.after(random.choice(list(Cut)), random, image)
            verdicts.append(verify(image / "p.db", replay.account()))
    _compare(replay, files)
    return verdicts


def _compare(replay: Replay, files: Path) -> None:
    """Replayed to the end, the recording must give the very files that the subject left."""
    left = {path.name: path.read_bytes() for path in files.iterdir()}
    replayed = {name: bytes(file.current) for name, file in replay.disk.names.items()}
    if left != replayed:
        raise RuntimeError(f"the recording is not complete: {sorted(left)}, {sorted(replayed)}")


def _moments(recorded: list[Call], replay: Replay) -> list[int]:
    """The positions after which the disk is another than before, once the load is reached."""
    found: list[int] = []
    for position, call in enumerate(recorded):
        before = replay.changes
        replay.feed(call)
        if replay.changes > before and replay.acknowledged >= FLOOR:
            found.append(position)
    return found
