"""Commits of this project, checked out beside the working tree and built."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from tracked import PROJECT

# What a figure can depend on. A commit that changes nothing of it has the figures of the one before.
CODE = ("CMakeLists.txt", "cmake", "node", "sim", "scenarios", "bench", "tests/support")
TARGETS = ("run_scenario", "shoal_bench")


class CannotBuild(Exception):
    """git, cmake or ninja failed; the text has what was run and what it said."""


class Commit(NamedTuple):
    name: str  # 40 hex digits
    committed_at: str  # ISO 8601
    subject: str

    @property
    def short(self) -> str:
        return self.name[:12]


def resolve(revision: str) -> Commit:
    """Raises CannotBuild."""
    text = git("log", "-1", "--format=%H%n%cI%n%s", revision, "--").rstrip("\n")
    return Commit(*text.split("\n", 2))


def is_dirty() -> bool:
    """Has the working tree code that is not committed?"""
    return git("status", "--porcelain", "--", *CODE) != ""


def base_of(revision: str | None) -> Commit:
    """Of the command line. Raises CannotBuild."""
    return resolve(revision) if revision else default_base()


def default_base() -> Commit:
    """What the working tree is compared with: where this branch left main; on main itself the commit before,
    or HEAD when there is work that is not committed."""
    head = resolve("HEAD")
    base = resolve(git("merge-base", "HEAD", "main").strip())
    if base != head or is_dirty():
        return base
    return resolve("HEAD~1")


def is_same_code(one: Commit, other: Commit) -> bool:
    return git("diff", "--name-only", one.name, other.name, "--", *CODE) == ""


def is_ancestor(ancestor: str, of: str) -> bool:
    """False, too, for a commit that this clone does not have."""
    done = subprocess.run(
        ["git", "-C", str(PROJECT), "merge-base", "--is-ancestor", ancestor, of],
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0


def check_out(commit: Commit) -> Path:
    """A work tree of this commit under build/, used again for the next one. Raises CannotBuild."""
    folder = PROJECT / "build" / "base"
    if (folder / ".git").exists():
        git("checkout", "--quiet", "--detach", commit.name, at=folder)
    else:
        git("worktree", "prune")
        git("worktree", "add", "--quiet", "--detach", str(folder), commit.name)
    return folder


def build(source: Path) -> Path:
    """Builds what is measured (Release) of a checkout, in its build/release. Raises CannotBuild."""
    folder = source / "build" / "release"
    # The compiler cache then serves every checkout.
    environment = {**os.environ, "CCACHE_BASEDIR": str(source)}
    if not (folder / "build.ninja").exists():
        options = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"]
        _run(["cmake", "-S", str(source), "-B", str(folder), *options], environment)
    _run(["ninja", "-C", str(folder), *TARGETS], environment)
    return folder


def compiler(build_folder: Path) -> str:
    """As "g++ (Debian 12.2.0-14) 12.2.0"."""
    cache = (build_folder / "CMakeCache.txt").read_text(encoding="utf-8")
    (path,) = [
        line.partition("=")[2]
        for line in cache.splitlines()
        if line.startswith("CMAKE_CXX_COMPILER:")
    ]
    return _run([path, "--version"], dict(os.environ)).splitlines()[0]


def git(*arguments: str, at: Path = PROJECT) -> str:
    return _run(["git", "-C", str(at), *arguments], dict(os.environ))


def _run(command: list[str], environment: dict) -> str:
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except OSError as error:
        raise CannotBuild(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        said = "\n".join((done.stderr + done.stdout).splitlines()[-20:])
        raise CannotBuild(f"'{' '.join(command)}' failed:\n{said}")
    return done.stdout
