"""Unpack programs of a Debian release into a folder, with their libraries, beside whatever runs here.

The archive, the keys that vouch for it and the way to it are those of this machine's own apt; its
lists, its packages and its state are left alone. Needs no root.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# what a loader finds for a program; the rest of what a package asks for serves its installation
LIBRARY = re.compile(r"(lib|zlib)[a-z0-9.+-]*")
QUIET = (
    "APT::Update::Error-Mode=any",  # what was not fetched is no success
    "Acquire::Languages=none",
    "Acquire::PDiffs=false",
    "Acquire::Retries=3",
    "Acquire::http::Timeout=30",
    "Acquire::https::Timeout=30",
)


class NotToBeHad(Exception):
    """What was asked for cannot be had here; the text says why."""


def call(*words: str, cwd: Path | None = None) -> str:
    """Return what a command printed."""
    environ = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            words, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=300
        )
    except FileNotFoundError:
        raise NotToBeHad(f"{words[0]} is not here") from None
    except subprocess.TimeoutExpired:
        raise NotToBeHad(f"{words[0]} did not come to an end") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise NotToBeHad(f"{words[0]} failed: {' '.join(said[:2]) or done.stderr[-300:]}")
    return done.stdout


def archive(folder: Path) -> str:
    """Return the address of the archive from which this Debian was installed."""
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    if not re.search(r"^ID=debian$", release, re.MULTILINE):
        raise NotToBeHad("this is no Debian")
    codename = re.search(r"^VERSION_CODENAME=(\w+)$", release, re.MULTILINE)
    own = "|".join(
        ["stable", "testing", "unstable", "sid", *(codename.groups() if codename else ())]
    )
    folder.mkdir(parents=True, exist_ok=True)
    listed = call("apt-get", "update", "--print-uris", "-o", f"Dir::State::lists={folder}")
    found = re.search(rf"^'(\S+)/dists/(?:{own})/InRelease'", listed, re.MULTILINE)
    if found is None:
        raise NotToBeHad("apt has no source for this Debian's own release")
    return found[1]


class Suite:
    """A release, by its name or as stable, testing, unstable; `folder` is for apt's own state."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        for part in ("lists/partial", "archives/partial"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()  # as if nothing were installed: libc is asked for too
        signed = f"[signed-by={KEYS}] " if KEYS.exists() else ""
        source = f"deb {signed}{archive(folder / 'none')} {name} main\n"
        (self._folder / "sources.list").write_text(source)
        self._apt("apt-get", "update")

    def _apt(self, program: str, *words: str, cwd: Path | None = None) -> str:
        settings = (
            *QUIET,
            f"Dir::State={self._folder}",
            f"Dir::State::status={self._folder}/status",
            f"Dir::Cache={self._folder}",
            f"Dir::Etc::sourcelist={self._folder}/sources.list",
            "Dir::Etc::sourceparts=/dev/null",
            "Dir::Etc::preferences=/dev/null",
            "Dir::Etc::preferencesparts=/dev/null",
        )
        options = [part for setting in settings for part in ("-o", setting)]
        return call(program, *options, *words, cwd=cwd)

    def version(self, package: str) -> str:
        """Return the upstream version that would be installed, or an empty string."""
        told = self._apt("apt-cache", "policy", package)
        found = re.search(r"Candidate: (?:\d+:)?(\d[\w.]*)", told)
        return found[1] if found else ""

    def unpack(self, package: str, target: Path) -> None:
        """Unpack a package and the libraries that it needs, down to libc."""
        told = self._apt("apt-get", "install", "--simulate", "--no-install-recommends", package)
        needed = re.findall(r"^Inst (\S+)", told, re.MULTILINE)
        names = [name for name in needed if name == package or LIBRARY.fullmatch(name)]
        into = self._folder / "archives" / package
        into.mkdir()
        self._apt("apt-get", "download", *names, cwd=into)
        target.mkdir(parents=True)
        for file in sorted(into.glob("*.deb")):
            call("dpkg-deb", "--extract", str(file), str(target))


def launcher(root: Path, program: Path) -> str:
    """Return a script, for a folder beside `root`, that runs a program with the libraries in `root`."""
    (loader, *_) = sorted(root.glob("**/ld-linux*.so.*"))
    found = (file for file in root.glob("**/lib*.so.*") if file.suffix != ".py")
    libraries = sorted({file.parent.relative_to(root) for file in found})
    path = ":".join(f"$root/{folder}" for folder in libraries)
    return (
        f'#!/bin/sh\nroot=${{0%/*}}/../{root.name}\nexec "$root/{loader.relative_to(root)}" '
        f'--library-path "{path}" "$root/{program.relative_to(root)}" "$@"\n'
    )
