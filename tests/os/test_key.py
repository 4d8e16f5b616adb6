"""shoal key: the keys of groups on disk, handed over as strings and as QR codes."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from shoal_process import BINARY, cli, wait_until

OK, REFUSED, USAGE = 0, 1, 2


@pytest.fixture
def key(tmp_path):
    """Runs shoal key on a data directory of its own, which does not exist yet."""

    def run(*arguments: str, stdin: bytes = b"", data="data"):
        return cli("key", *arguments, "--data", str(tmp_path / data), stdin=stdin)

    run.keys = tmp_path / "data" / "keys"
    return run


def new_key(key, name: str) -> str:
    made = key("new", "--name", name)
    assert made.returncode == OK, made.stderr
    return made.stdout.decode().strip()


def test_a_key_goes_from_host_to_host_as_one_line(key):
    text = new_key(key, "photos")
    assert text.startswith("shoalw1") and len(text) == 66
    added = key("add", stdin=f" {text.upper()}\n".encode(), data="other")
    assert added.returncode == OK, added.stderr
    here, there = (
        json.loads(key("list", "--json", data=data).stdout)["groups"][0]
        for data in ("data", "other")
    )
    assert here["group"] == there["group"]
    assert here["name"] == "photos" and there["name"] == here["group"][:8]
    assert here["level"] == there["level"] == "write"
    assert text not in key("list").stdout.decode()


def test_key_files_are_for_their_owner_only(key):
    new_key(key, "photos")
    assert stat.S_IMODE(key.keys.stat().st_mode) == 0o700
    assert stat.S_IMODE(key.keys.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((key.keys / "photos.key").stat().st_mode) == 0o600
    (key.keys / "photos.key").chmod(0o644)
    shown = key("show", "photos")
    assert shown.returncode == USAGE
    assert b"photos.key can be read by others (mode 0644)" in shown.stderr
    assert shown.stdout == b""


def test_a_name_that_is_taken_keeps_its_key_and_nothing_is_left_beside_it(key):
    text = new_key(key, "photos")
    again = key("new", "--name", "photos")
    assert again.returncode == USAGE
    assert b"photos.key exists already: choose another name" in again.stderr
    assert key("show", "photos").stdout.decode().strip() == text
    assert [file.name for file in key.keys.glob("*.key")] == ["photos.key"]


def test_a_key_can_go_to_a_file_of_its_owner(key, tmp_path):
    file = tmp_path / "demo.key"
    made = key("new", "--name", "demo", "--output", str(file))
    assert made.returncode == OK and made.stdout == b""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == key("show", "demo").stdout
    again = key("new", "--name", "other", "--output", str(file))
    assert again.returncode == USAGE and b"exists already" in again.stderr
    assert key("show", "other").returncode == REFUSED
    shown = key("show", "demo", "--json", "--level", "read", "-o", str(file) + "2")
    assert json.loads(shown.stdout)["file"] == str(file) + "2"


def test_json_says_the_level_of_the_key_that_it_holds(key):
    new_key(key, "photos")
    for level in ("write", "read", "locate"):
        shown = json.loads(key("show", "photos", "--level", level, "--json").stdout)
        assert shown["level"] == level
        assert shown["key"].startswith(f"shoal{level[0]}1")


def test_a_lower_level_gives_no_higher_one(key):
    write = new_key(key, "photos")
    read = key("show", "photos", "--level", "read").stdout
    assert read.startswith(b"shoalr1")
    assert key("add", "--name", "reader", stdin=read, data="reader").returncode == OK
    assert key("show", "reader", data="reader").stdout == read
    refused = key("show", "reader", "--level", "write", data="reader")
    assert refused.returncode == USAGE and b"at level read only" in refused.stderr
    locate = key("show", "reader", "--level", "locate", data="reader").stdout
    assert locate == key("show", "photos", "--level", "locate").stdout
    assert key("show", "photos").stdout.decode().strip() == write


def test_a_qr_code_is_drawn_beside_the_string(key):
    text = new_key(key, "photos")
    lines = key("show", "photos", "--qr").stdout.decode().splitlines()
    assert lines[-1] == text
    code = lines[:-1]
    assert len(code) > 15 and all("\x1b[30;107m" in line for line in code)
    assert {len(line) for line in code} == {len(code[0])}


def test_forgotten_is_gone_and_can_be_named_by_its_id(key):
    text = new_key(key, "photos")
    group = json.loads(key("list", "--json").stdout)["groups"][0]["group"]
    assert key("forget", group[:6]).returncode == OK
    assert list(key.keys.glob("*.key")) == []
    again = key("forget", "photos")
    assert again.returncode == REFUSED and b"no group" in again.stderr
    assert key("add", "--name", "photos", stdin=text.encode()).returncode == OK


@pytest.mark.parametrize(
    "stdin, message",
    [
        (b"", b"it is empty"),
        (b"not a key", b"character 4 is no printable letter or digit"),
        (b"shoalw1qqqq", b"it is cut off"),
        (b"0" * 5000, b"too large"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason(key, stdin, message):
    refused = key("add", stdin=stdin)
    assert refused.returncode == USAGE and message in refused.stderr
    assert not key.keys.exists()


def test_a_mistyped_key_is_refused_and_not_repeated(key):
    text = new_key(key, "photos")
    wrong = text[:-1] + ("q" if text[-1] != "q" else "p")
    refused = key("add", stdin=wrong.encode(), data="other")
    assert refused.returncode == USAGE
    assert b"checksum does not match" in refused.stderr
    assert wrong.encode() not in refused.stderr + refused.stdout


def test_names_are_checked_and_kept_apart(key):
    new_key(key, "photos")
    for name in ("photos", "../photos", ".hidden", "a/b", "x" * 65):
        refused = key("new", "--name", name)
        assert refused.returncode == USAGE, name
        assert refused.stdout == b""
    text = key("show", "photos").stdout
    twice = key("add", "--name", "other", stdin=text)
    assert twice.returncode == USAGE and b"named 'photos'" in twice.stderr
    assert [path.name for path in key.keys.glob("*.key")] == ["photos.key"]


@pytest.fixture
def daemons():
    """A directory of user daemon, with a copy of the program that this user can run."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with tempfile.TemporaryDirectory(prefix="shoal-") as directory:
        path = Path(directory)
        path.chmod(0o755)
        shutil.copy(BINARY, path / "shoal")
        home = path / "home"
        home.mkdir(mode=0o700)
        shutil.chown(home, "daemon", "daemon")
        yield path


def test_what_root_makes_for_a_node_belongs_to_its_user(daemons):
    home, data = daemons / "home", daemons / "home" / "data"
    run = [daemons / "shoal", "run", "--no-console", "--data", data]
    run += ["--listen", "127.0.0.1:0"]

    def start() -> subprocess.Popen:
        node = subprocess.Popen(
            run,
            user="daemon",
            group="daemon",
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        wait_until(
            lambda: cli("status", "--data", str(data)).returncode == OK, 20, "it runs"
        )
        return node

    node = start()
    assert cli("key", "new", "--name", "a", "--data", str(data)).returncode == OK
    (home / "shared").mkdir()
    shutil.chown(home / "shared", "daemon")
    shared = cli("share", str(home / "shared"), "--data", str(data))
    assert shared.returncode == OK, shared.stderr
    key = cli("key", "new", "--name", "b", "--data", str(daemons / "other")).stdout
    joined = cli("join", "-", str(home / "joined"), "--data", str(data), stdin=key)
    assert joined.returncode == OK, joined.stderr
    for path in [home / "joined", data / "keys", *(data / "keys").iterdir()]:
        assert path.owner() == "daemon", path
    node.terminate()
    assert node.wait(timeout=20) == OK
    node = start()
    node.terminate()
    assert node.wait(timeout=20) == OK

    refused = cli("run", "--data", str(data), "--listen", "127.0.0.1:0")
    assert refused.returncode == USAGE
    assert b"belongs to user daemon" in refused.stderr
    shutil.chown(data / "keys", "root")
    (data / "keys").chmod(0o700)
    refused = subprocess.run(
        run, user="daemon", group="daemon", extra_groups=[], capture_output=True
    )
    assert refused.returncode == USAGE
    assert b"belongs to user root: as root, chown -R daemon" in refused.stderr


def test_root_follows_no_link_of_the_nodes_user(daemons):
    data, elsewhere = daemons / "home" / "data", daemons / "elsewhere"
    data.mkdir(mode=0o700)
    elsewhere.mkdir()
    (data / "keys").symlink_to(elsewhere)
    shutil.chown(data, "daemon")
    refused = cli("key", "new", "--name", "a", "--data", str(data))
    assert refused.returncode == USAGE and refused.stdout == b""
    assert list(elsewhere.iterdir()) == []
