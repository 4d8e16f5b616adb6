#!/usr/bin/python3
"""Measures two `shoal run` nodes that sync a folder, beside cp -a, rsync over ssh and Syncthing.

All of it runs on this machine, in a network namespace that has nothing but loopback: bytes on the wire
are what that interface counts, headers included, for every tool alike. Each measurement takes fresh
directories and fresh processes, which are connected and idle before it begins. The workloads:
  files     10,000 files of 1 to 16 KiB, and modes, times, links and names of all kinds
  big       one file of 1 GiB
  change    4 KiB changed in 1 GiB that both sides have
  insert    1 KiB inserted before 256 MiB that both sides have
  hash      one file of 1 GiB, until its own side has it in the index; the other side is stopped meanwhile
  rename    a directory of 10,000 files, which both sides have
  latency   from the write of a small file until it is visible: median and p90 of 30, by watching alone
  idle      CPU and memory of both sides in a minute in which nothing happens, with 10,000 files
Time runs from the moment that the tool is told to look (it begins with a scan) until all of it is visible
at the target under its name; CPU and bytes until both sides have no more to do. cp and rsync do not
fsync, Syncthing and Shoal do; syncthing-tuned and shoal-unflushed do not. Afterwards both trees are
compared: content, names, modes, mtimes in ns, symlinks. What a tool cannot do is left out; a tool that is
not installed is skipped, with the reason. Needs root, or user namespaces (then without sshd). Debian's
packages:
  apt-get install rsync openssh-client openssh-server syncthing eatmydata

An ext4 on which many files were deleted makes new ones slowly: --work should be on a fresh file system.

Exit status: 0 measured, 1 something failed or two trees differ, 2 the command line is wrong.

Examples: bench/sync_peers.py --work /mnt/fresh --json peers.json
          bench/sync_peers.py --scale 0.01 --only files,rename --tools cp,rsync
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sync_measure as measure
from sync_tools import TOOLS, Missing, Tool

KIB, MIB = 1024, 1024 * 1024
FILES_A_DIRECTORY = 100
WRITES = 30


class Run:
    """A workload with one tool: `prepare` brings about what both sides have, `change` what is measured."""

    def __init__(self, options, tool: Tool, outside: Path):
        self.options, self.tool, self.outside = options, tool, outside
        self.random = random.Random(1)

    def count(self, full: int) -> int:
        return max(1, round(full * self.options.scale))

    def file(self, path: Path, size: int) -> None:
        with open(path, "wb") as file:
            for begin in range(0, size, MIB):
                file.write(self.random.randbytes(min(MIB, size - begin)))

    def tree(self, root: Path) -> list[tuple[str, int]]:
        """Files in directories of a hundred; the directories, and how many files each has."""
        made = []
        left = self.count(10_000)
        while left > 0:
            here = min(left, FILES_A_DIRECTORY)
            name = f"d{len(made):04}"
            (root / name).mkdir(parents=True)
            for index in range(here):
                self.file(
                    root / name / f"f{index:03}", self.random.randrange(KIB, 16 * KIB)
                )
            made.append((name, here))
            left -= here
        return made

    def oddities(self, root: Path) -> None:
        """What a tool may lose on the way."""
        root.mkdir()
        (root / "empty").mkdir(mode=0o750)
        (root / "nothing").write_bytes(b"")
        (root / "Grüße 日本").write_text("a name that is not ASCII")
        for mode in (0o600, 0o755, 0o444):
            path = root / f"mode {mode:o}"
            path.write_text(path.name)
            path.chmod(mode)
        os.utime(root / "nothing", ns=(1, 1_234_567_890_123_456_789))
        (root / "link").symlink_to("nothing")
        (root / "dangling").symlink_to("../not/there")

    def has_tree(self, root: Path, made: list[tuple[str, int]]) -> bool:
        try:
            names = (os.listdir(root / name) for name, _ in made)
            counts = [sum(n.startswith("f") for n in found) for found in names]
        except FileNotFoundError:
            return False
        return counts == [count for _, count in made]

    def bring(self, change, visible) -> dict:
        """The measurement of everything but `latency` and `idle`."""
        usage = measure.Usage(self.tool.roots)
        change()
        begun = time.monotonic()
        self.tool.push()
        ended = measure.wait_until(
            visible, self.options.timeout, "all is at the target"
        )
        self.tool.settle()
        return {"wall_s": ended - begun, **usage.stop()}

    def seed(self, change, visible) -> None:
        change()
        self.tool.push()
        measure.wait_until(visible, self.options.timeout, "both sides have the same")
        self.tool.settle()

    def move_in(self, name: str):
        return lambda: (self.outside / name).rename(self.tool.source / name)

    def files(self) -> dict:
        made = self.tree(self.outside / "tree")
        self.oddities(self.outside / "tree" / "odd")
        odd = self.tool.target / "tree" / "odd"
        odd_count = len(os.listdir(self.outside / "tree" / "odd"))
        return self.bring(
            self.move_in("tree"),
            lambda: self.has_tree(self.tool.target / "tree", made)
            and odd.exists()
            and len(os.listdir(odd)) >= odd_count,
        )

    def arrives(self, name: str, size: int):
        def arrived() -> bool:
            try:
                return (self.tool.target / name).stat().st_size == size
            except FileNotFoundError:
                return False

        return arrived

    def big(self) -> dict:
        size = self.count(1024 * MIB)
        self.file(self.outside / "big", size)
        return self.bring(self.move_in("big"), self.arrives("big", size))

    def rewritten(self, size: int, change, visible) -> dict:
        self.file(self.outside / "big", size)
        self.seed(self.move_in("big"), self.arrives("big", size))
        return self.bring(change, visible)

    def change(self) -> dict:
        size = self.count(1024 * MIB)
        at, new = size // 2, os.urandom(4 * KIB)

        def change() -> None:
            with open(self.tool.source / "big", "r+b") as file:
                file.seek(at)
                file.write(new)

        def visible() -> bool:
            try:
                with open(self.tool.target / "big", "rb") as file:
                    file.seek(at)
                    return file.read(len(new)) == new
            except (
                FileNotFoundError
            ):  # Syncthing removes the old file before it renames the new
                return False

        return self.rewritten(size, change, visible)

    def insert(self) -> dict:
        size = self.count(256 * MIB)
        new = os.urandom(KIB)

        def change() -> None:
            path = self.tool.source / "big"
            content = path.read_bytes()
            path.write_bytes(new + content)

        return self.rewritten(size, change, self.arrives("big", size + KIB))

    def hash(self) -> dict:
        size = self.count(1024 * MIB)
        self.file(self.outside / "big", size)
        usage = measure.Usage(lambda: self.tool.roots()[:1])
        target_side = self.tool.roots()[1]
        os.kill(target_side, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            self.move_in("big")()
            self.tool.push()
            ended = measure.wait_until(
                lambda: self.tool.indexed_bytes() >= size,
                self.options.timeout,
                "the file is in the index",
            )
            used = usage.stop()
        finally:
            os.kill(target_side, signal.SIGCONT)
        measure.wait_until(
            self.arrives("big", size), self.options.timeout, "all is at the target"
        )
        self.tool.settle()
        return {"wall_s": ended - begun, **used}

    def rename(self) -> dict:
        made = self.tree(self.outside / "tree")
        source, target = self.tool.source, self.tool.target
        self.seed(self.move_in("tree"), lambda: self.has_tree(target / "tree", made))
        return self.bring(
            lambda: (source / "tree").rename(source / "moved"),
            lambda: self.has_tree(target / "moved", made)
            and not (target / "tree").exists(),
        )

    def latency(self) -> dict:
        took = []
        usage = measure.Usage(self.tool.roots)
        for index in range(max(3, self.count(WRITES))):
            # Of any phase of the tool's own periods.
            time.sleep(self.random.uniform(0.2, 1.2))
            name = f"write{index}"
            begun = time.monotonic()
            (self.tool.source / name).write_bytes(b"x" * KIB)
            ended = measure.wait_until(
                self.arrives(name, KIB), 120, "the file is visible"
            )
            took.append(ended - begun)
        self.tool.settle()
        took.sort()
        p90 = took[min(len(took) - 1, int(0.9 * len(took)))]
        return {"wall_s": statistics.median(took), "p90_s": p90, **usage.stop()}

    def idle(self) -> dict:
        made = self.tree(self.outside / "tree")
        self.seed(
            self.move_in("tree"), lambda: self.has_tree(self.tool.target / "tree", made)
        )
        time.sleep(5)
        usage = measure.Usage(self.tool.roots)
        time.sleep(self.options.idle_seconds)
        used = usage.stop()
        per_minute = 60 / self.options.idle_seconds
        used["cpu_s"] *= per_minute
        used["wire_bytes"] = round(used["wire_bytes"] * per_minute)
        return used


WORKLOADS = {
    "files": (Run.files, lambda tool: True),
    "big": (Run.big, lambda tool: True),
    "change": (Run.change, lambda tool: tool.sends_changes),
    "insert": (Run.insert, lambda tool: tool.sends_changes),
    "hash": (Run.hash, lambda tool: tool.runs_on),
    "rename": (Run.rename, lambda tool: tool.sends_changes),
    "latency": (Run.latency, lambda tool: tool.runs_on),
    "idle": (Run.idle, lambda tool: tool.runs_on),
}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run_once(options, workload: str, name: str) -> dict:
    """Errors: Missing, TimeoutError, OSError and subprocess.CalledProcessError."""
    directory = Path(tempfile.mkdtemp(prefix=f"{workload}-{name}-", dir=options.work))
    try:
        places = [directory / part for part in ("source", "target", "work", "outside")]
        for place in places:
            place.mkdir()
        tool = TOOLS[name](*places[:3])
        try:
            tool.start()
            record = WORKLOADS[workload][0](Run(options, tool, places[3]))
        finally:
            tool.close()
        found = measure.differences(places[0], places[1], tool.own_names)
        return {
            "workload": workload,
            "tool": name,
            **record,
            "identical": not found,
            "differences": found[:20],
        }
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def cell(record: dict, key: str, unit: float, digits: int) -> str:
    return f"{record[key] / unit:,.{digits}f}" if key in record else ""


def table(records: list[dict]) -> str:
    """Markdown; `× rsync` is how many times as long it took as rsync over ssh."""
    lines = [
        "| Workload | Tool | Wall s | p90 s | × rsync | CPU s, both sides | Peak MiB, both sides "
        "| Bytes on the wire | Identical |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rsync = {r["workload"]: r for r in records if r["tool"] == "rsync"}
    for record in records:
        base = rsync.get(record["workload"], {}).get("wall_s")
        ratio = f"{record['wall_s'] / base:.2f}" if base and "wall_s" in record else ""
        cells = [
            record["workload"],
            record["tool"],
            cell(record, "wall_s", 1, 3),
            cell(record, "p90_s", 1, 3),
            ratio,
            cell(record, "cpu_s", 1, 2),
            cell(record, "peak_memory_bytes", MIB, 1),
            cell(record, "wire_bytes", 1, 0),
            "yes" if record["identical"] else "NO: " + record["differences"][0],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def measure_all(options) -> tuple[list[dict], int]:
    records, failures = [], 0
    missing: set[str] = set()
    for workload in options.only:
        for name in options.tools:
            if name in missing or not WORKLOADS[workload][1](TOOLS[name]):
                continue
            say(f"{workload}: {name} …")
            try:
                record = run_once(options, workload, name)
            except Missing as why:
                say(f"{name} is skipped: {why}")
                missing.add(name)
                continue
            except (
                OSError,
                RuntimeError,
                AssertionError,
                subprocess.SubprocessError,
            ) as why:
                say(f"{workload}: {name} failed: {why}")
                failures += 1
                continue
            failures += 0 if record["identical"] else 1
            records.append(record)
    return records, failures


def names_of(known: dict):
    def read(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown)}: expected some of {', '.join(known)}, with commas"
            )
        return names

    return read


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--only",
        type=names_of(WORKLOADS),
        default=list(WORKLOADS),
        metavar="WORKLOAD,…",
    )
    add("--tools", type=names_of(TOOLS), default=list(TOOLS), metavar="TOOL,…")
    add("--scale", type=float, default=1, help="of counts and sizes; 0.01 is quick")
    add("--work", type=Path, help="where the directories are made (default: $TMPDIR)")
    add(
        "--timeout",
        type=float,
        default=600,
        help="seconds for one workload of one tool",
    )
    add("--idle-seconds", type=float, default=60)
    add("--json", type=Path, metavar="FILE", help="write all numbers there, too")
    options = parser.parse_args()
    if not 0 < options.scale <= 10:
        parser.error("--scale lies between 0 and 10")
    try:
        measure.enter_own_network()
    except OSError as error:
        say(f"sync_peers: {error}; run it as root")
        return 1
    measure.touch_memory(round(3 * 1024 * MIB * options.scale))
    records, failures = measure_all(options)
    print(table(records))
    if options.json:
        options.json.write_text(json.dumps(records, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
