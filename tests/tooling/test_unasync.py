"""scripts/unasync: what becomes of code, of strings, of files, and which drift is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tooling import unasync
from tooling.twin import MarkerError, is_skipped, to_sync

PROJECT = Path(__file__).parents[2]
STORE = "src/threadkeep/_async/store.py"
TWIN = "src/threadkeep/_sync/store.py"


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("async def f(): ...", "def f(): ..."),
        ("x = await f()", "x = f()"),
        ("x = (await\n  f())", "x = (\n  f())"),
        ("return await (await f()).g()", "return (f()).g()"),
        ("async with a as b, c: ...", "with a as b, c: ..."),
        ("async for x in y: ...", "for x in y: ..."),
        ("[x async for x in y]", "[x for x in y]"),
        ("def __aenter__(self): ...", "def __enter__(self): ..."),
        ("def __aexit__(self): ...", "def __exit__(self): ..."),
        ("def __aiter__(self): ...", "def __iter__(self): ..."),
        (
            "def __anext__(self): raise StopAsyncIteration",
            "def __next__(self): raise StopIteration",
        ),
        ("anext(aiter(x)).aclose()", "next(iter(x)).close()"),
        ("@asynccontextmanager", "@contextmanager"),
        ("AsyncExitStack, AbstractAsyncContextManager", "ExitStack, AbstractContextManager"),
        ("AsyncIterator[AsyncIterable[int]]", "Iterator[Iterable[int]]"),
        ("AsyncGenerator[int, None]", "Generator[int, None, None]"),
        ("AsyncGenerator[tuple[int, str], None,]", "Generator[tuple[int, str], None, None,]"),
        ("AsyncGenerator[int]", "Generator[int]"),
        ("Callable[[int], Awaitable[AsyncStore]]", "Callable[[int], Store]"),
        ("Callable[[], Awaitable[None] | None]", "Callable[[], None]"),
        ("Callable[[], None | Awaitable[None]]", "Callable[[], None]"),
        ("collections.abc.Awaitable[int]", "int"),
        ("Coroutine[Any, dict[str, int], list[int]]", "list[int]"),
        ("_AsyncQueue, AsyncEngine", "_Queue, Engine"),
        ("Asynchronous, async_store, NotAsyncStore", "Asynchronous, async_store, NotAsyncStore"),
        ("from threadkeep._async.drivers import x", "from threadkeep._sync.drivers import x"),
        (
            "from .._async import x; from ._async_x import y",
            "from .._sync import x; from ._async_x import y",
        ),
    ],
)
def test_code(source: str, twin: str) -> None:
    assert to_sync(source + "\n") == twin + "\n"


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ('"use AsyncStore, not _async"', '"use Store, not _sync"'),
        ('"an AsyncStore, an `AsyncHome`, an AsyncEngine"', '"a Store, a `Home`, an Engine"'),
        ('"callers await the result"', '"callers await the result"'),
        ('"x = await store.get(1); await f()"', '"x = store.get(1); f()"'),
        ('"""\nasync with AsyncStore() as s:\n"""', '"""\nwith Store() as s:\n"""'),
        ('"an asynchronous call, asyncio"', '"an asynchronous call, asyncio"'),
        ('f"{await g()} {[i async for i in x]}"', 'f"{g()} {[i for i in x]}"'),
        ("f\"é {await x} {f'{AsyncStore!r}'}\"", "f\"é {x} {f'{Store!r}'}\""),
        (r'"\nAsyncStore"', r'"\nStore"'),
        (r'r"\bAsyncStore\b"', r'r"\bStore\b"'),
        ('b"AsyncStore await f()"', 'b"AsyncStore await f()"'),
        ('"\u2028é"; AsyncStore', '"\u2028é"; Store'),
        ("x  # await x.close() of an AsyncStore", "x  # x.close() of a Store"),
    ],
)
def test_strings_and_comments(source: str, twin: str) -> None:
    assert to_sync(source + "\n") == twin + "\n"


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("pytestmark = pytest.mark.anyio\nx = 1\n", "x = 1\n"),
        ("@pytest.mark.anyio  # why\nasync def test(): ...\n", "def test(): ...\n"),
        (
            "class T:\n    @pytest.mark.anyio\n    async def t(): ...\n",
            "class T:\n    def t(): ...\n",
        ),
        (
            "pytestmark = [pytest.mark.anyio, pytest.mark.long]\n",
            "pytestmark = [ pytest.mark.long]\n",
        ),
        (
            "pytestmark = [pytest.mark.long, pytest.mark.anyio]\n",
            "pytestmark = [pytest.mark.long]\n",
        ),
        ("pytestmark = [pytest.mark.anyio]\n", "pytestmark = []\n"),
        ("@pytest.mark.anyio_like\n", "@pytest.mark.anyio_like\n"),
    ],
)
def test_the_mark_of_async_tests_goes(source: str, twin: str) -> None:
    assert to_sync(source) == twin


def test_blocks_that_are_off_go() -> None:
    source = "a\n# sync: off - the loop is a thing of asyncio\nb\n    # sync: on\nc\n"
    assert to_sync(source) == "a\nc\n"
    assert to_sync('"""\n# sync: off\n"""\n') == '"""\n# sync: off\n"""\n'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("# sync: off\n", "line 1: `# sync: off` without"),
        ("x\n# sync: on\n", "line 2: `# sync: on` without"),
        ("# sync: off\n# sync: off\n# sync: on\n", "line 2: `# sync: off` inside"),
        ("x  # sync: off\n# sync: on\n", "line 1: `# sync: off` needs a line of its own"),
        ("# sync: no\n", "line 1: `# sync: no` is unknown"),
        ("x\n# sync: skip-file\n", "line 2: `# sync: skip-file` belongs to the top"),
    ],
)
def test_a_marker_that_makes_no_sense_is_an_error(source: str, message: str) -> None:
    with pytest.raises(MarkerError, match=message):
        to_sync(source)


def test_skip_file_stands_before_the_first_statement() -> None:
    assert is_skipped("# a comment\n# sync: skip-file - written by hand\nx\n")
    assert not is_skipped('"""sync: skip-file"""\nx\n')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    put(
        tmp_path,
        STORE,
        "from collections.abc import AsyncIterator, Awaitable, Callable, Iterator\n\n\n"
        "async def f(x: AsyncIterator[int], y: Iterator[int]) -> Callable[[], Awaitable[X] | X]:\n"
        "    await g()\n",
    )
    assert unasync.main(["--root", str(tmp_path)]) == 0
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def check(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Return the exit code of --check, and the kind and name of what it listed."""
    capsys.readouterr()
    code = unasync.main(["--root", str(root), "--check"])
    lines = capsys.readouterr().out.splitlines()
    return code, [" ".join(line.split()) for line in lines if not line.startswith("   ")]


def test_a_twin_has_a_header_ordered_imports_and_the_format(project: Path) -> None:
    assert (project / TWIN).read_text(encoding="utf-8") == (
        f"# Generated from {STORE} by scripts/unasync. Do not edit.\n"
        "from collections.abc import Callable, Iterator\n\n\n"
        "def f(x: Iterator[int], y: Iterator[int]) -> Callable[[], X]:\n"
        "    g()\n"
    )


def test_a_fresh_twin_passes_and_is_not_written_again(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(project, capsys) == (0, [])
    assert unasync.main(["--root", str(project)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("change", ["x = 1\n", "\n", "# note\n"])
def test_check_finds_a_twin_that_differs_only_at_its_end(
    project: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    with (project / TWIN).open("a") as file:
        file.write(change)
    assert check(project, capsys) == (1, [f"differs {TWIN}"])


def test_check_finds_a_source_that_moved_on(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, STORE, "x = 1\n")
    assert check(project, capsys) == (1, [f"differs {TWIN}"])
    assert unasync.main(["--root", str(project)]) == 0
    assert check(project, capsys) == (0, [])


def test_check_finds_missing_and_extra_files(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, "tests/_async/test_x.py", "async def test_x(): ...\n")
    (project / STORE).unlink()
    put(project, "src/threadkeep/_sync/mine.py", "x = 1\n")
    assert check(project, capsys) == (
        1,
        ["missing tests/_sync/test_x.py", "extra src/threadkeep/_sync/mine.py", f"extra {TWIN}"],
    )


def test_a_twin_without_source_is_removed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / STORE).unlink()
    assert unasync.main(["--root", str(project)]) == 0
    assert not (project / TWIN).exists()
    assert check(project, capsys) == (0, [])


def test_a_file_written_by_hand_is_never_overwritten_or_removed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, TWIN, "mine = 1\n")
    assert unasync.main(["--root", str(project)]) == 1
    (project / STORE).unlink()
    assert unasync.main(["--root", str(project)]) == 1
    assert "written by hand" in capsys.readouterr().err
    assert (project / TWIN).read_text(encoding="utf-8") == "mine = 1\n"


def test_skip_file_leaves_room_for_a_twin_by_hand(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, STORE, "# sync: skip-file\nimport asyncio\n")
    assert check(project, capsys) == (1, [f"extra {TWIN}"])
    assert unasync.main(["--root", str(project)]) == 0
    assert not (project / TWIN).exists()
    put(project, TWIN, "mine = 1\n")
    assert check(project, capsys) == (0, [])


@pytest.mark.parametrize(
    "source", ["def f(:\n", "'''", "if x:\n    # sync: off\n    y\n    # sync: on\n"]
)
def test_a_twin_that_is_no_python_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    put(project, STORE, source)
    assert unasync.main(["--root", str(project)]) == 1
    assert f"{STORE} or its twin is not valid Python" in capsys.readouterr().err


def test_the_twin_of_a_test_runs(project: Path) -> None:
    fixtures = (
        'import pytest\n@pytest.fixture(scope="session")\ndef anyio_backend(): return "asyncio"\n'
    )
    put(
        project,
        "tests/_async/test_x.py",
        "import asyncio\n\nimport pytest\n\npytestmark = pytest.mark.anyio\n\n\n"
        "async def one() -> int:\n    # sync: off\n    await asyncio.sleep(0)\n    # sync: on\n"
        "    return 1\n\n\nasync def test_one() -> None:\n    assert await one() == 1\n",
    )
    put(project, "tests/conftest.py", fixtures)
    assert unasync.main(["--root", str(project)]) == 0
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(run, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert "import" not in (project / "tests/_sync/test_x.py").read_text(encoding="utf-8")
