"""The configuration file of a real node: where it is looked for, and what is stronger than it."""

import json

import pytest
from shoal_process import Node, cli

OK, USAGE = 0, 2


@pytest.fixture
def node():
    made = Node()
    yield made
    made.close()


def run(*arguments: str):
    """Of a node that must not start."""
    return cli("run", *arguments)


def test_a_node_takes_the_file_in_its_data_directory(node):
    (node.data / "shoal.yaml").write_text("# ours\nclient: true\n")
    node.start()
    assert json.loads(node.cli("status", "--json").stdout)["client"] is True


def test_options_are_stronger_than_the_file(node):
    (node.data / "shoal.yaml").write_text("client: true\nlisten: 127.0.0.1:1\n")
    node.start(settings={"client": "false", "reach_test_interval": "0s"})
    assert json.loads(node.cli("status", "--json").stdout)["client"] is False


def test_a_wrong_file_keeps_the_node_from_starting(node, tmp_path):
    (node.data / "shoal.yaml").write_text("k: 5\nrepliction: 3\n")
    refused = run("--data", str(node.data))
    assert refused.returncode == USAGE
    assert b"shoal.yaml:2:1: 'repliction' is not a key" in refused.stderr
    missing = run("--data", str(node.data), "--config", str(tmp_path / "none"))
    assert missing.returncode == USAGE
    assert b"No such file" in missing.stderr


def test_settings_that_contradict_the_file_are_refused(node):
    (node.data / "shoal.yaml").write_text("request_timeout_max: 1s\n")
    refused = run("--data", str(node.data), "--set", "request_timeout_min=2s")
    assert refused.returncode == USAGE
    assert b"request_timeout_min (2s) is longer than" in refused.stderr


def test_show_prints_a_file_that_check_takes(tmp_path):
    file = tmp_path / "shoal.yaml"
    file.write_text("k: 7\n")
    shown = cli("config", "show", "--data", str(tmp_path), "--set", "alpha=3")
    assert shown.returncode == OK
    assert b"\nk: 7\n" in shown.stdout and b"\nalpha: 3\n" in shown.stdout
    file.write_bytes(shown.stdout)
    assert cli("config", "show", "--config", str(file)).stdout == shown.stdout
    assert cli("config", "check", "--data", str(tmp_path)).returncode == OK


def test_check_tells_all_errors_and_ends_with_2(tmp_path):
    file = tmp_path / "f"
    file.write_text("k: 0\nlog_level: loud\n")
    checked = cli("config", "check", str(file))
    assert (checked.returncode, checked.stdout) == (USAGE, b"")
    lines = checked.stderr.decode().splitlines()
    assert [line.split(" ")[1] for line in lines] == [f"{file}:1:4:", f"{file}:2:12:"]
    assert cli("config", "check", str(tmp_path / "none")).returncode == USAGE
