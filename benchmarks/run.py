"""What all parts of one run share."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.disk import Disk
from benchmarks.loop import Loop
from benchmarks.scale import Scale


@dataclass(frozen=True)
class Run:
    """The loop, the folder on the disk under test, the scale, and the probe of that disk."""

    loop: Loop
    folder: Path
    scale: Scale
    disk: Disk
