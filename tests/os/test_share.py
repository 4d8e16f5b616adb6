"""shoal share, shoal join: what they leave behind when they are refused."""

import json

import pytest
from shoal_process import Node, cli

OK, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3


@pytest.fixture(scope="module")
def node():
    node = Node()
    try:
        node.start()
        yield node
    finally:
        node.close()


def keys(node: Node) -> list[str]:
    groups = json.loads(node.cli("key", "list", "--json").stdout)["groups"]
    return [group["name"] for group in groups]


def test_what_is_no_directory_is_refused_and_leaves_no_key(node, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "absent", tmp_path / "file"):
        shared = node.cli("share", str(path))
        assert shared.returncode == USAGE and str(path).encode() in shared.stderr
        assert shared.stdout == b""
    assert keys(node) == []


def test_where_no_node_runs_nothing_is_made(tmp_path):
    shared = cli("share", str(tmp_path), "--data", str(tmp_path / "data"))
    assert shared.returncode == UNREACHABLE and shared.stdout == b""
    joined = cli("join", "-", str(tmp_path / "new"), "--data", str(tmp_path / "data"))
    assert joined.returncode == UNREACHABLE
    assert list(tmp_path.iterdir()) == []


def test_a_mistyped_key_makes_no_directory(node, tmp_path):
    joined = node.cli("join", "-", str(tmp_path / "new"), stdin=b"shoalw1qqqq")
    assert joined.returncode == USAGE and b"it is cut off" in joined.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_nobody_knows_is_refused(node):
    paused = node.cli("folder", "pause", "nothing", "--json")
    assert paused.returncode == REFUSED
    assert json.loads(paused.stdout)["error"]["message"]
