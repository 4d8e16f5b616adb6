"""shoal key: the keys of groups on disk, handed over as strings and as QR codes."""

import json
import stat

import pytest
from shoal_process import cli

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
        json.loads(key("list", "--json", data=data).stdout)[0]
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
    group = json.loads(key("list", "--json").stdout)[0]["group"]
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
