"""tests/conftest.py: a skip in CI is a failure, and long tests run when asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = ROOT / "tests/conftest.py"
SKIPS = """
import pytest
def test_inside(): pytest.skip("no part")
@pytest.mark.skipif(True, reason="no part")
def test_mark(): ...
def test_allowed(): pytest.skip("capability: watch")
@pytest.mark.xfail
def test_xfail(): raise AssertionError
"""
MODULE = "import pytest\npytest.importorskip('no_such_module')\n"
LONG = "import pytest\n@pytest.mark.long\ndef test_long(): ...\ndef test_short(): ...\n"


def outcome(folder: Path, text: str, *arguments: str, ci: str = "") -> str:
    """Return the last line of a run over one test file."""
    shutil.copy(CONFTEST, folder)
    settings = f"[pytest]\nmarkers = long\npythonpath = {ROOT} {ROOT / 'scripts'}\n"
    (folder / "pytest.ini").write_text(settings, encoding="utf-8")
    (folder / "test_x.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("ci", "text", "summary"),
    [
        ("", SKIPS, "3 skipped, 1 xfailed"),
        ("true", SKIPS, "1 failed, 1 skipped, 1 xfailed, 1 error"),
        ("", MODULE, "1 skipped"),
        ("true", MODULE, "1 error"),
    ],
)
def test_a_skip_in_ci_is_a_failure(tmp_path: Path, ci: str, text: str, summary: str) -> None:
    assert outcome(tmp_path, text, ci=ci).startswith(summary)


def test_long_tests_run_when_asked(tmp_path: Path) -> None:
    assert outcome(tmp_path, LONG).startswith("1 passed, 1 deselected")
    assert outcome(tmp_path, LONG, "--long").startswith("2 passed")
