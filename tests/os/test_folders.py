"""Two real nodes that keep a folder the same, on this machine's disk and its loopback."""

import hashlib
import json
import os
import random
import stat
import time
from pathlib import Path

import pytest
from shoal_process import Node, wait_until

OK, REFUSED = 0, 1
OWN = ".shoal"


def tree(root: Path) -> dict[str, tuple]:
    """What a folder holds: kind, mode and content of each path; of files the time too."""
    found = {}
    for directory, directories, files in os.walk(root):
        if OWN in directories:
            directories.remove(OWN)
        for name in directories + files:
            path = Path(directory) / name
            about = path.lstat()
            relative = str(path.relative_to(root))
            if path.is_symlink():
                found[relative] = ("link", os.readlink(path))
            elif path.is_dir():
                found[relative] = ("directory", stat.S_IMODE(about.st_mode))
            else:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[relative] = (
                    digest,
                    stat.S_IMODE(about.st_mode),
                    about.st_mtime_ns,
                )
    return found


def same(first: Path, second: Path) -> bool:
    try:
        return tree(first) == tree(second)
    except FileNotFoundError:  # it was renamed while it was looked at
        return False


def status(node: Node) -> dict:
    return json.loads(node.cli("folder", "list", "--json").stdout)["folders"][0]


class Pair:
    """Two nodes and a folder of each."""

    def __init__(self, base: Path):
        self.roots = [base / "first", base / "second"]
        self.nodes = [Node("127.0.0.1:0"), Node("127.0.0.1:0")]

    def start(self, number: int) -> None:
        others = [self.nodes[1 - number].endpoint] if number else []
        self.nodes[number].start(others, {"lan_ping_interval": "0s"})

    def share(self) -> None:
        self.roots[0].mkdir(exist_ok=True)
        self.start(0)
        self.start(1)
        shared = self.nodes[0].cli("share", str(self.roots[0]), "--name", "files")
        assert shared.returncode == OK, shared.stderr
        key = shared.stdout.splitlines()[-1]
        joined = self.nodes[1].cli(
            "join", "-", str(self.roots[1]), "--name", "files", stdin=key
        )
        assert joined.returncode == OK, joined.stderr

    def settle(self, within_s: float = 40) -> None:
        wait_until(
            lambda: same(*self.roots)
            and all(status(node)["state"] == "in_sync" for node in self.nodes),
            within_s,
            "both folders are the same",
        )

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@pytest.fixture
def pair(tmp_path):
    made = Pair(tmp_path)
    try:
        yield made
    finally:
        made.close()


def fill(root: Path, seed: int = 1) -> None:
    content = random.Random(seed)
    (root / "photos" / "2026").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "nothing").write_bytes(b"")
    (root / "photos" / "a.jpg").write_bytes(content.randbytes(3_000_000))
    (root / "photos" / "2026" / "b.jpg").write_bytes(content.randbytes(70_000))
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "latest").symlink_to("photos/2026/b.jpg")
    os.utime(root / "photos" / "a.jpg", ns=(1, 1_600_000_000_123_456_789))


def test_a_joined_folder_is_the_same_from_then_on(pair):
    first, second = pair.roots
    first.mkdir()
    fill(first)
    pair.share()
    pair.settle()
    assert tree(second)["photos/a.jpg"][2] == 1_600_000_000_123_456_789

    (second / "photos").rename(second / "pictures")
    (second / "run.sh").unlink()
    with open(second / "pictures" / "a.jpg", "r+b") as image:
        image.seek(1_500_000)
        image.write(b"retouched")
    (first / "notes.txt").write_text("written on the other side")
    wait_until(lambda: (second / "notes.txt").exists(), 20, "the new file is there")
    pair.settle()
    assert (first / "pictures" / "2026" / "b.jpg").exists()
    trash = pair.nodes[0].cli("folder", "trash", "files").stdout.decode()
    assert "run.sh" in trash
    restored = pair.nodes[0].cli("folder", "restore", "files", "run.sh")
    assert restored.returncode == OK, restored.stderr
    pair.settle()
    assert (second / "run.sh").read_text() == "#!/bin/sh\n"


def test_edits_of_both_while_apart_are_both_kept(pair):
    first, second = pair.roots
    first.mkdir()
    (first / "plan.txt").write_text("first draft")
    pair.share()
    pair.settle()
    pair.nodes[1].terminate()
    (first / "plan.txt").write_text("what the first wrote")
    (second / "plan.txt").write_text("what the second wrote")
    (second / "gone").mkdir()
    pair.start(1)
    pair.settle(90)
    kept = {path.read_text() for path in first.glob("plan*.txt")}
    assert kept == {"what the first wrote", "what the second wrote"}
    conflicts = pair.nodes[0].cli("folder", "conflicts", "files").stdout.decode()
    assert "plan (conflict " in conflicts


def test_what_is_ignored_here_stays_here(pair):
    first, second = pair.roots
    pair.share()
    ignored = pair.nodes[0].cli("folder", "ignore", "files", "*.tmp", "/build/")
    assert ignored.returncode == OK, ignored.stderr
    (first / "build").mkdir()
    (first / "build" / "out").write_text("")
    (first / "a.tmp").write_text("")
    (first / "kept").write_text("")
    wait_until(lambda: (second / "kept").exists(), 40, "the other file is there")
    assert set(tree(second)) == {"kept"}


def test_a_folder_is_verified(pair):
    first, _ = pair.roots
    first.mkdir()
    fill(first)
    pair.share()
    pair.settle()
    verified = pair.nodes[1].cli("folder", "verify", "files", "--json")
    assert verified.returncode == OK, verified.stderr
    found = json.loads(verified.stdout)["pass"]
    assert found["files"] == found["files_checked"] == 4
    assert found["bytes_checked"] == 3_070_010
    assert found["files_damaged"] == found["rows_repaired"] == 0
    assert found["peers_equal"] == 1
    text = pair.nodes[1].cli("folder", "verify", "files", "photos").stdout.decode()
    assert "verified 2 of 2 files" in text
    missing = pair.nodes[1].cli("folder", "verify", "files", "absent")
    assert missing.returncode == REFUSED and b"absent" in missing.stderr


def test_a_mass_deletion_waits_for_a_word(pair):
    first, second = pair.roots
    first.mkdir()
    for number in range(40):
        (first / f"file-{number}").write_text(str(number))
    pair.share()
    pair.settle()
    for path in list(first.glob("file-*"))[:30]:
        path.unlink()
    wait_until(
        lambda: status(pair.nodes[0])["reason"] == "mass_deletion", 20, "it has stopped"
    )
    assert len(list(second.glob("file-*"))) == 40
    assert pair.nodes[0].cli("folder", "resume", "files").returncode == OK
    pair.settle()
    assert len(list(second.glob("file-*"))) == 10


def test_a_root_that_has_gone_deletes_nothing(pair):
    first, second = pair.roots
    first.mkdir()
    fill(first)
    pair.share()
    pair.settle()
    before = tree(second)
    moved = first.with_name("elsewhere")
    first.rename(moved)
    wait_until(
        lambda: status(pair.nodes[0])["reason"] == "root_missing", 20, "it has stopped"
    )
    assert tree(second) == before
    moved.rename(first)
    pair.settle(60)
    assert tree(second) == before


@pytest.mark.parametrize(
    "moments", [3, pytest.param(50, id="long", marks=pytest.mark.long)]
)
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_node_goes_on_where_it_was(pair, killed, moments):
    """No file is ever torn under its name, and all arrives in the end."""
    chance = random.Random(killed)
    first, second = pair.roots
    first.mkdir()
    written = set()

    def write(path: Path, size: int) -> None:
        content = chance.randbytes(size)
        written.add(hashlib.sha256(content).hexdigest())
        whole = path.with_name(f"{path.name}.part")
        whole.write_bytes(content)
        whole.rename(path)

    for number in range(50):
        write(first / f"small-{number}", chance.randrange(20_000))
    pair.share()
    pair.settle()
    for moment in range(moments):
        write(first / f"large-{moment % 3}", 12_000_000)
        write(first / f"small-{moment % 50}", chance.randrange(20_000))
        time.sleep(
            chance.random() * 0.4
        )  # the kill comes at any moment of the transfer
        pair.nodes[killed].kill()
        for path in second.rglob("*-*"):
            if OWN not in path.parts and not path.name.endswith(".part"):
                assert hashlib.sha256(path.read_bytes()).hexdigest() in written, path
        pair.start(killed)
    pair.settle(120)
