"""The faulty disk itself: it loses what was not synced, keeps what was, serves both till then."""

from __future__ import annotations

import errno
import mmap
import os
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.faults.disk import PAGE, SECTOR, Cut, Disk, File, Resize, Write
from tests.faults.mount import LossyMount

CUTS = list(Cut)


@pytest.fixture
def random() -> Random:
    return Random(5)


@pytest.mark.parametrize("cut", CUTS)
def test_a_failed_sync_loses_for_good(cut: Cut, random: Random) -> None:
    file = File.holding(b"old")
    file.change(Write(0, b"new"))
    file.fail_to_sync()
    file.change(Write(3, b"er"))
    file.sync()
    assert file.current == b"newer"
    assert file.after(cut, random) == b"older"


@pytest.mark.parametrize("cut", CUTS)
def test_synced_bytes_stay(cut: Cut, random: Random) -> None:
    disk = Disk()
    file = disk.create("f")
    disk.sync_names()
    file.change(Write(0, b"a" * 9000))
    file.change(Resize(8000))
    file.sync()
    assert disk.after(cut, random) == {"f": b"a" * 8000}


def test_a_plain_cut_drops_all_that_was_not_synced(random: Random) -> None:
    disk = Disk({"f": b"old"})
    disk.names["f"].change(Write(0, b"new and longer"))
    disk.create("g").sync()  # its bytes are durable, its name is not
    disk.rename("f", "h")
    assert disk.after(Cut.DROP, random) == {"f": b"old"}
    disk.sync_names()
    assert disk.after(Cut.DROP, random) == {"g": b"", "h": b"old"}


def test_names_survive_a_scattering_cut_in_their_order(random: Random) -> None:
    disk = Disk({"a": b""})
    disk.rename("a", "b")
    disk.create("c")
    left = {tuple(disk.after(Cut.SCATTER, random)) for _ in range(200)}
    assert left == {("a",), ("b",), ("b", "c")}


def test_pages_survive_a_scattering_cut_each_for_itself_and_torn_at_sectors(random: Random) -> None:
    file = File.holding(b"0" * 2 * PAGE)
    file.change(Write(0, b"1" * 2 * PAGE))
    left = [file.after(Cut.SCATTER, random) for _ in range(400)]
    pages = {(one[:PAGE], one[PAGE:]) for one in left}
    zero, full = b"0" * PAGE, b"1" * PAGE
    assert {(zero, full), (full, zero), (zero, zero), (full, full)} <= pages
    assert any(len(set(page)) == 2 for pair in pages for page in pair)
    sectors = {one[i : i + SECTOR] for one in left for i in range(0, 2 * PAGE, SECTOR)}
    assert sectors == {b"0" * SECTOR, b"1" * SECTOR}


def test_a_sync_covers_what_was_written_before_it_began(random: Random) -> None:
    file = File()
    file.change(Write(0, b"one"))
    begun = file.changes
    file.change(Write(3, b"two"))
    file.sync(begun)
    assert file.after(Cut.DROP, random) == b"one"
    assert {file.after(Cut.SCATTER, random) for _ in range(200)} >= {b"one", b"onetwo"}


def test_no_page_from_before_a_resize_mixes_with_one_from_after_it(random: Random) -> None:
    file = File.holding(b"0" * 2 * PAGE)
    file.change(Resize(0))
    file.change(Write(0, b"1" * 2 * PAGE))
    for _ in range(200):
        assert not {*b"01"} <= {*file.after(Cut.SCATTER, random)}


def put(path: Path, content: bytes, *, sync: bool) -> None:
    with path.open("wb", buffering=0) as file:
        file.write(content)
        if sync:
            os.fdatasync(file.fileno())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def test_the_mounted_disk_keeps_what_was_synced_and_then_fails(tmp_path: Path, fuse: None) -> None:
    image = tmp_path / "image"
    with LossyMount(tmp_path / "mounted", tmp_path / "empty") as mount:
        put(mount.path / "named", b"synced", sync=True)
        put(mount.path / "renamed", b"synced", sync=True)
        put(mount.path / "gone", b"", sync=True)
        put(mount.path / "hollow", b"not synced", sync=False)
        sync_folder(mount.path)
        put(mount.path / "nameless", b"synced", sync=True)
        put(mount.path / "named", b"overwritten", sync=False)
        (mount.path / "renamed").rename(mount.path / "anew")
        (mount.path / "gone").unlink()
        assert (mount.path / "named").read_bytes() == b"overwritten"
        assert names(mount.path) == ["anew", "hollow", "named", "nameless"]
        mount.order_cut(Cut.DROP, 0, image)
        with pytest.raises(OSError) as refused:
            put(mount.path / "late", b"", sync=False)
        assert refused.value.errno == errno.EIO
        served = mount.await_cut()
        with pytest.raises(OSError):
            names(mount.path)
    left = {path.name: path.read_bytes() for path in image.iterdir()}
    assert left == {"named": b"synced", "renamed": b"synced", "gone": b"", "hollow": b""}
    assert served["fsync"] == 4
    assert served["fsyncdir"] == 1
    assert not os.path.ismount(mount.path)


def test_a_write_has_reached_the_mounted_disk_when_the_call_returns(
    tmp_path: Path, fuse: None
) -> None:
    image = tmp_path / "image"
    with LossyMount(tmp_path / "mounted", tmp_path / "empty") as mount:
        sync_folder(mount.path)
        with (mount.path / "p.db-wal").open("wb", buffering=0) as file:
            for number in range(10):
                file.write(bytes([number]) * PAGE)
            mount.order_cut(Cut.DROP, 0, image)
            with pytest.raises(OSError):
                file.write(b"late")
        assert mount.await_cut()["write"] == 10


def test_the_mounted_disk_maps_shared_memory(tmp_path: Path, fuse: None) -> None:
    with LossyMount(tmp_path / "mounted", tmp_path / "empty") as mount:
        shm = mount.path / "p.db-shm"
        put(shm, bytes(8192), sync=False)
        with (
            shm.open("r+b") as one,
            shm.open("r+b") as other,
            closing(mmap.mmap(one.fileno(), 8192)) as first,
            closing(mmap.mmap(other.fileno(), 8192)) as second,
        ):
            first[5000] = 7
            assert second[5000] == 7
