"""`shoal status --watch` in a terminal and in a pipe."""

import json
import signal
import subprocess

import pytest
from shoal_process import BINARY, Node
from terminal import Terminal

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"


@pytest.fixture(scope="module")
def node():
    made = Node()
    try:
        made.start()
        yield made
    finally:
        made.close()


def watch(node: Node, *options: str) -> list:
    return [BINARY, "status", "--data", node.data, "--watch", *options]


@pytest.mark.parametrize("end", ["\x03", "signal"])
def test_a_terminal_is_redrawn_and_left_as_it_was(node, end):
    terminal = Terminal(watch(node, "0.1"))
    try:
        terminal.wait_for(ENTER)
        for _ in range(3):
            terminal.wait_for("\x1b[Hhost")  # from the upper left corner
            terminal.wait_for(node.host[:20])
        if end == "signal":
            terminal.process.send_signal(signal.SIGTERM)
        else:
            terminal.type(end)
        assert terminal.wait() == 0
        assert terminal.shown.endswith(LEAVE)
    finally:
        terminal.close()


def test_a_pipe_gets_plain_text_again_and_again(node):
    process = subprocess.Popen(watch(node, "0.1"), stdout=subprocess.PIPE, text=True)
    hosts = 0
    while hosts < 3:
        line = process.stdout.readline()
        assert "\x1b" not in line
        hosts += line.startswith("host ")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_json_is_one_line_each_time(node):
    process = subprocess.Popen(
        watch(node, "0.1", "--json"), stdout=subprocess.PIPE, text=True
    )
    statuses = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert statuses[1]["uptime_s"] > statuses[0]["uptime_s"]


def test_the_end_of_the_node_ends_the_watching():
    node = Node()
    try:
        node.start()
        terminal = Terminal(watch(node, "0.1"))
        terminal.wait_for(node.host[:20])
        node.terminate()
        assert terminal.wait() == 3
        assert LEAVE in terminal.shown
        assert "shoal: the node ended" in terminal.shown.partition(LEAVE)[2]
        terminal.close()
    finally:
        node.close()
