"""Key rings: what they take, what they refuse, and that they never show a key."""

from __future__ import annotations

import base64
import copy
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from threadkeep.errors import ThreadkeepError, UsageError
from threadkeep.model.refs import Ref
from threadkeep.model.sealing import AesSealer, Place
from threadkeep.wrapping import KeyRing, keys_from_env, keys_from_file, new_key

KEY = bytes(range(100, 132))
TEXT = base64.b64encode(KEY).decode()
PLACE = Place(Ref("n", "thread", "t"), "map", "state", "a")


def same(first: KeyRing, second: KeyRing) -> bool:
    """Tell whether two rings of one key id hold the same key."""
    sealed = AesSealer(first, allow_plaintext=False).seal(PLACE, b"value")
    try:
        return AesSealer(second, allow_plaintext=False).open(PLACE, sealed) == b"value"
    except ThreadkeepError:
        return False


class TestForms:
    @pytest.mark.parametrize(
        "key",
        [
            TEXT,
            TEXT.rstrip("="),
            base64.urlsafe_b64encode(KEY).decode(),
            KEY.hex(),
            KEY.hex().upper(),
        ],
    )
    def test_texts(self, key: str):
        assert same(KeyRing({"k": KEY}), KeyRing({"k": key}))

    def test_base64_with_both_alphabets(self):
        key = b"\xfb\xff" * 16
        for text in (base64.b64encode(key), base64.urlsafe_b64encode(key)):
            assert same(KeyRing({"k": key}), KeyRing({"k": text.decode()}))

    def test_pairs_a_mapping_and_the_active_key(self):
        assert KeyRing([("b", KEY), ("a", TEXT)]).active == "b"
        assert KeyRing({"b": KEY, "a": TEXT}).ids == ("b", "a")
        assert KeyRing({"b": KEY, "a": TEXT}, active="a").active == "a"

    @pytest.mark.parametrize(
        "text",
        [
            f"k2={TEXT}\nk1={KEY.hex()}\n",
            f"k2={TEXT},k1={KEY.hex()}",
            f"# keys, the first one writes\n\n  k2 = {TEXT} \n#k0=nothing\nk1={KEY.hex()}",
        ],
    )
    def test_parse(self, text: str):
        ring = KeyRing.parse(text)
        assert (ring.ids, ring.active) == (("k2", "k1"), "k2")
        assert KeyRing.parse(text, active="k1").active == "k1"
        assert same(KeyRing({"k2": KEY}), ring)

    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("THREADKEEP_KEYS", f"k={TEXT}")
        monkeypatch.setenv("OTHER", f"a={TEXT},b={TEXT}")
        assert keys_from_env().ids == ("k",)
        assert keys_from_env("OTHER", active="b").active == "b"
        monkeypatch.delenv("OTHER")
        with pytest.raises(UsageError, match=r"OTHER .* is not set"):
            keys_from_env("OTHER")

    def test_from_a_file(self, tmp_path: Path):
        path = tmp_path / "keys"
        path.write_text(f"k={TEXT}\n")
        assert keys_from_file(path).ids == keys_from_file(str(path)).ids == ("k",)
        with pytest.raises(UsageError, match="cannot be read: No such file"):
            keys_from_file(tmp_path / "missing")
        with pytest.raises(UsageError, match="cannot be read"):
            keys_from_file(tmp_path)
        path.write_bytes(b"\xff\xfe")
        with pytest.raises(UsageError, match="not UTF-8"):
            keys_from_file(path)

    def test_new_keys(self):
        first, second = new_key(), new_key()
        assert first != second
        assert len(base64.b64decode(first)) == 32
        assert KeyRing({"k": first}).ids == ("k",)


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: KeyRing({}), "empty"),
    (lambda: KeyRing({"k": KEY[:31]}), "31 bytes; AES-256 needs 32"),
    (lambda: KeyRing({"k": KEY + b"x"}), "33 bytes"),
    (lambda: KeyRing({"k": b""}), "0 bytes"),
    (lambda: KeyRing({"k": ""}), "0 bytes"),
    (lambda: KeyRing({"k": KEY[:16].hex()}), "24 bytes"),
    (lambda: KeyRing({"k": "secret!"}), "neither base64 nor hexadecimal"),
    (lambda: KeyRing({"k": "ü" * 44}), "neither base64"),
    (lambda: KeyRing({"k": 5}), "must be bytes or a str, not int"),  # type: ignore[dict-item] # pyright: ignore[reportArgumentType] - what is tested
    (lambda: KeyRing([("k", KEY), ("k", KEY)]), "two keys with the id 'k'"),
    (lambda: KeyRing({"": KEY}), "key id has 1 to 16"),
    (lambda: KeyRing({"x" * 17: KEY}), "1 to 16"),
    (lambda: KeyRing({"a b": KEY}), "key id"),
    (lambda: KeyRing({TEXT: "k"}), "not shown"),
    (lambda: KeyRing({"k": KEY}, active=TEXT), "not shown"),
    (lambda: KeyRing.parse(f"{TEXT}=k"), "not shown|neither"),
    (lambda: KeyRing({"k\n": KEY}), "key id"),
    (lambda: KeyRing({"ü": KEY}), "key id"),
    (lambda: KeyRing({5: KEY}), "key id"),  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]
    (lambda: KeyRing({"k": KEY}, active="x"), "'x' is not in the ring"),
    (lambda: KeyRing(f"k={TEXT}"), "KeyRing.parse"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    (lambda: KeyRing.parse(""), "empty"),
    (lambda: KeyRing.parse(TEXT.rstrip("=")), "entry 1 .* not of the form ID=KEY"),
    (lambda: KeyRing.parse(f"a={TEXT},a={TEXT}"), "two keys"),
]


@pytest.mark.parametrize(("make", "words"), WRONG)
def test_refused_and_no_key_is_shown(make: Callable[[], Any], words: str):
    with pytest.raises(UsageError, match=words) as caught:
        make()
    shown = f"{caught.value!r} {caught.value.context}"
    for secret in (TEXT[:12], KEY.hex()[:12], "secret!"):
        assert secret not in shown


def test_a_ring_shows_its_ids_and_never_its_keys():
    ring = KeyRing({"k2": KEY, "k1": os.urandom(32)})
    assert repr(ring) == str(ring) == "KeyRing(ids=('k2', 'k1'), active='k2')"
    for secret in (TEXT, KEY.hex(), repr(KEY)):
        assert secret not in repr(ring)
        assert secret not in repr(AesSealer(ring, allow_plaintext=False))
    assert not hasattr(ring, "__dict__")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="stay in this process"):
            leak(ring)


def test_without_cryptography_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(UsageError, match=r"threadkeep\[crypto\]") as caught:
        KeyRing({"k": KEY})
    assert TEXT not in "".join(traceback.format_exception(caught.value))


def test_importing_threadkeep_loads_no_wrapper():
    code = (
        "import sys, threadkeep; loaded = sorted(m for m in sys.modules if 'cryptography' in m"
        " or 'wrappers' in m or 'wire' in m or 'seal' in m); print(loaded); sys.exit(bool(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_wrapping_loads_no_cryptography():
    code = "import sys, threadkeep.wrapping; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
