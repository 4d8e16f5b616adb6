"""Directories that real nodes store in their network, and get again."""

import json
import os
import random
from pathlib import Path

import pytest
from shoal_process import Node, wait_until
from test_folders import tree

OK, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3


@pytest.fixture
def nodes():
    nodes = [Node() for _ in range(5)]
    try:
        nodes[0].start()
        for node in nodes[1:]:
            node.start([nodes[0].endpoint])
        for node in nodes:
            wait_until(lambda n=node: n.ask("status")["contacts"] == 4, 30, "all met")
        yield nodes
    finally:
        for node in nodes:
            node.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "empty").mkdir(mode=0o750)
    chance = random.Random(1)
    (root / "large").write_bytes(chance.randbytes(2 << 20))
    (root / "none").touch()
    for i in range(50):
        (root / "sub" / f"f{i}").write_bytes(chance.randbytes(chance.randrange(3000)))
    (root / "sub" / "f1").chmod(0o755)
    os.utime(root / "sub" / "f2", ns=(0, 1_234_567_890_123_456_789))
    (root / "sub" / "deep" / "link").symlink_to("../f1")
    return root


def put(node: Node, *arguments: str) -> str:
    stored = node.cli("put", *arguments)
    assert stored.returncode == OK, stored.stderr
    return stored.stdout.decode().splitlines()[-1]


def test_a_directory_comes_back_on_another_host(nodes, source, tmp_path):
    link = put(nodes[1], "--tree", str(source))
    assert link.startswith("shoalt1")
    got = nodes[3].cli("get", "-", "-o", str(tmp_path / "got"), stdin=link.encode())
    assert got.returncode == OK, got.stderr
    assert tree(tmp_path / "got") == tree(source)
    assert not (tmp_path / "got" / ".shoal").exists()
    # Put again when some of it has changed, it has another link, and the old one serves on.
    assert put(nodes[2], "--tree", str(source), "--renew", link) == link
    before = tree(source)
    (source / "sub" / "f3").write_text("changed")
    renewed = put(nodes[2], "--tree", str(source), "--renew", link)
    assert renewed != link
    assert nodes[4].cli("get", link, "-o", str(tmp_path / "old")).returncode == OK
    assert nodes[4].cli("get", renewed, "-o", str(tmp_path / "new")).returncode == OK
    assert tree(tmp_path / "old") == before
    assert tree(tmp_path / "new") == tree(source)


def test_what_is_there_is_not_overwritten(nodes, source, tmp_path):
    link = put(nodes[1], "--tree", str(source), "--public")
    assert link.startswith("shoalp1")
    target = tmp_path / "got"
    (target / "sub").mkdir(parents=True)
    (target / "sub" / "f1").write_text("mine")
    got = nodes[2].cli("get", link, "-o", str(target), "--json")
    assert got.returncode == USAGE
    assert json.loads(got.stdout)["left_out"] == [
        "sub/f1: something else is there already"
    ]
    assert b"not overwritten: sub/f1" in got.stderr
    assert (target / "sub" / "f1").read_text() == "mine"
    assert len(tree(target)) == len(tree(source))


def test_errors_say_what_is_wrong(nodes, source, tmp_path):
    def refusal(status: int, *arguments: str, stdin: bytes = b"") -> str:
        done = nodes[1].cli(*arguments, stdin=stdin)
        assert done.returncode == status, done.stderr
        assert done.stdout == b""
        return done.stderr.decode()

    out = ["-o", str(tmp_path / "out")]
    os.mkfifo(source / "pipe")
    left_out = nodes[1].cli("put", "--tree", str(source))
    assert left_out.returncode == OK
    assert b"left out: pipe: it is no file, directory or link" in left_out.stderr
    link = left_out.stdout.decode().splitlines()[-1]
    typo = link[:40] + ("q" if link[40] != "q" else "p") + link[41:]
    assert "not a link to a tree" in refusal(USAGE, "get", typo, *out)
    assert "it is empty" in refusal(USAGE, "get", "-", *out)
    assert "name one with -o" in refusal(USAGE, "get", link)
    missing = str(tmp_path / "missing")
    assert missing in refusal(USAGE, "put", "--tree", missing)
    unknown = "shoalt1qqgzqu8kq5"
    assert "not a link to a tree" in refusal(USAGE, "get", unknown, *out)
    assert not (tmp_path / "out").exists()
    nodes[1].terminate()
    refusal(UNREACHABLE, "put", "--tree", str(source))


def test_a_tree_that_nobody_has_is_not_found(nodes, source, tmp_path):
    # Of hosts that are gone: these have never heard of it.
    other = Node()
    try:
        other.start()
        friend = Node()
        try:
            friend.start([other.endpoint])
            wait_until(lambda: friend.ask("status")["contacts"] == 1, 30, "met")
            link = put(other, "--tree", str(source))
        finally:
            friend.close()
    finally:
        other.close()
    got = nodes[0].cli("get", link, "-o", str(tmp_path / "got"), "--timeout", "5s")
    assert got.returncode == REFUSED, got.stderr
    assert b"the tree: " in got.stderr
    assert not (tmp_path / "got").exists()
