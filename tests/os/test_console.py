"""The console of a running node: in a terminal, and on a pipe."""

import os
import signal
import subprocess

import pytest
from shoal_process import BINARY, Node, cli, wait_until
from terminal import Terminal, plain

PROMPT = "shoal> "
UP, LEFT, TAB, END_OF_FILE, INTERRUPT = "\x1b[A", "\x1b[D", "\t", "\x04", "\x03"


@pytest.fixture
def other():
    made = Node()
    try:
        made.start()
        yield made
    finally:
        made.close()


def command(directory, *options: str) -> list:
    return [BINARY, "run", "--data", directory, "--listen", "127.0.0.1:0", *options]


@pytest.fixture
def terminal(tmp_path):
    made = Terminal(command(tmp_path))
    made.data = tmp_path
    made.wait_for(" listening on ")
    made.endpoint = made.wait_for(" data ").removesuffix(" data ")
    made.wait_for(PROMPT)
    yield made
    made.close()


def enter(terminal: Terminal, line: str) -> str:
    """What is shown between the line and the next prompt."""
    terminal.type(line + "\r")
    terminal.wait_for(line + "\r\n")
    return plain(terminal.wait_for(PROMPT))


def test_commands_are_those_of_the_command_line(tmp_path, other):
    terminal = Terminal(command(tmp_path, "--bootstrap", other.endpoint))
    try:
        terminal.wait_for(PROMPT)
        wait_until(
            lambda: other.ask("status")["contacts"] == 1, 20, "they know each other"
        )
        assert f"{other.host} {other.endpoint}" in enter(terminal, "table")
        assert "contacts      1 and" in enter(terminal, "status")
        assert "answered after" in enter(terminal, f"ping {other.host}")
        stored = enter(terminal, "put --text 'two words'")
        key = stored.split("\n")[-2]
        assert other.cli("get", key).stdout == b"two words"
        assert "two words\n" in enter(terminal, f"get {key}")
        assert other.host in enter(terminal, f"find {other.host}")
        assert "'abc' is not a key" in enter(terminal, "get abc")
        assert "closest to it holds it" in enter(terminal, f"lookup {'ab' * 32}")
    finally:
        terminal.close()


def test_help_lists_the_commands_and_explains_each(terminal):
    listed = enter(terminal, "help")
    for word in ("status", "peers", "put", "log", "stop"):
        assert f"\n  {word} " in listed
    assert "\n  run " not in listed
    assert "Which of the key's records" in enter(terminal, "help lookup")
    assert "help lists the commands" in enter(terminal, "frobnicate")
    assert "name a FILE" in enter(terminal, "put")
    assert enter(terminal, "") == PROMPT


def test_keys_edit_recall_and_complete(terminal):
    terminal.type("log lev" + TAB + " x" + LEFT + "\r")
    assert "'x' is no level" in plain(terminal.wait_for(PROMPT))
    terminal.type("log level debg" + LEFT + "u\r")
    assert "debug\n" in plain(terminal.wait_for(PROMPT))
    terminal.type(UP + "\r")
    assert "debug\n" in plain(terminal.wait_for(PROMPT))
    terminal.type("l" + TAB + TAB)  # both begin with "lo"
    terminal.wait_for(" log  lookup\r\n")
    terminal.type("ok" + TAB + "\r")
    assert "PUBLIC_KEY is required" in plain(
        terminal.wait_for("help lists the commands")
    )


def test_a_line_being_typed_survives_what_is_logged(terminal):
    terminal.type("log level in")
    terminal.wait_for("log level in")
    changed = cli("log", "level", "debug", "--data", str(terminal.data))
    assert changed.stdout == b"debug\n"
    newcomer = Node()
    try:
        newcomer.start([terminal.endpoint])
        shown = terminal.wait_for("joined the network")
    finally:
        newcomer.close()
    # The line is taken away before, and put back after it.
    assert shown.rpartition("\r\x1b[J")[1]
    terminal.wait_for(PROMPT + "log level in")
    terminal.type("fo\r")
    terminal.wait_for("info\r\n")


def test_the_end_of_input_and_an_interrupt_stop_the_node_and_leave_the_terminal(
    tmp_path,
):
    for key in (END_OF_FILE, INTERRUPT):
        terminal = Terminal(command(tmp_path))
        before = terminal.modes()
        try:
            terminal.wait_for(PROMPT)
            assert terminal.modes() != before
            terminal.type(key)
            terminal.wait_for(" stopped\r\n")
            assert terminal.wait() == 0
            assert terminal.modes() == before
        finally:
            terminal.close()


def test_stop_stops(terminal):
    terminal.type("stop\r")
    terminal.wait_for("stopped\r\n")
    assert terminal.wait() == 0


def test_a_lone_escape_does_not_hold_the_node_up(terminal):
    terminal.type("\x1b")
    assert cli("status", "--data", str(terminal.data)).returncode == 0
    assert "contacts" in enter(terminal, "status")


def test_a_node_in_the_background_leaves_the_terminal_alone(tmp_path):
    # As `shoal run &` in a shell: another process group has the terminal.
    terminal = Terminal(["bash", "-m", "-c", '"$@" & wait', "bash", *command(tmp_path)])
    try:
        terminal.wait_for("ready: host ")
        terminal.type("status\r")
        assert cli("stop", "--data", str(tmp_path)).returncode == 0
        assert terminal.wait() == 0
        assert PROMPT not in terminal.shown and "contacts" not in terminal.shown
    finally:
        terminal.close()


def test_a_shell_may_stop_it_send_it_to_the_background_and_bring_it_back(tmp_path):
    shell = Terminal(["bash", "--norc", "-i"], {"PS1": "$ "})
    try:
        shell.wait_for("$ ")
        shell.type(" ".join(map(str, command(tmp_path))) + "\r")
        shell.wait_for(PROMPT)
        shell.type("log lev")
        shell.wait_for("log lev")
        shell.type("\x1a")  # Ctrl-Z
        shell.wait_for("Stopped")
        shell.wait_for("$ ")
        shell.type("bg\r")
        shell.wait_for("$ ")
        shell.type("echo fore$((1))ground\r")  # the shell's line, not the node's
        shell.wait_for("fore1ground")
        status = cli("status", "--data", str(tmp_path))
        assert status.returncode == 0
        shell.type("fg\r")
        shell.wait_for(PROMPT)
        shell.wait_for("log lev")
        shell.type("el\r")
        shell.wait_for("info\r\n")
        shell.type("stop\r")
        shell.wait_for("stopped\r\n")
        shell.wait_for("$ ")  # what is typed before it is the shell's turn may be lost
        shell.type("exit\r")
        assert shell.wait() == 0
    finally:
        shell.close()


def run_on_pipe(directory, *options: str) -> subprocess.Popen:
    return subprocess.Popen(
        command(directory, "--log-level", "warn", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_pipe_gives_lines_and_may_end_before_the_node(tmp_path):
    process = run_on_pipe(tmp_path)
    assert process.stdout.readline().startswith("ready: host ")
    process.stdin.write("log level\nnonsense\n\nput --text x\nlog level error\nlog")
    process.stdin.write(" level")  # without a newline at the end
    process.stdin.close()
    assert [process.stdout.readline() for _ in range(3)] == [
        "warn\n",
        "error\n",
        "error\n",
    ]
    assert cli("status", "--data", str(tmp_path)).returncode == 0
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    errors = process.stderr.read()
    assert "help lists the commands" in errors
    assert "shoal: no host of the network is known" in errors
    process.stdout.close()
    process.stderr.close()


def test_the_end_of_a_console_that_was_asked_for_ends_the_node(tmp_path):
    process = run_on_pipe(tmp_path, "--console")
    output, errors = process.communicate("log level\n", timeout=20)
    assert process.returncode == 0, errors
    assert output.splitlines()[1:] == ["warn"]
    lines = tmp_path / "lines"
    lines.write_text("log level\nstop\nlog level\n")
    with open(lines) as file:
        ended = subprocess.run(
            command(tmp_path, "--console"),
            stdin=file,
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[1:] == ["info", "stopped"]


def test_without_a_console_a_pipe_is_left_alone(tmp_path):
    process = run_on_pipe(tmp_path, "--no-console")
    assert process.stdout.readline().startswith("ready: host ")
    process.stdin.write("stop\n")
    process.stdin.close()
    assert cli("status", "--data", str(tmp_path)).returncode == 0
    process.terminate()
    assert process.wait(10) == 0
    assert process.stdout.read() == ""
    process.stdout.close()
    process.stderr.close()


def test_a_pipe_keeps_its_flags(tmp_path):
    """Whoever shares it does not find it changed."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        command(tmp_path), stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline().startswith(b"ready: host ")
    os.write(writing, b"log level\n")
    assert process.stdout.readline() == b"info\n"
    assert os.get_blocking(reading)
    os.close(reading)
    os.close(writing)
    process.terminate()
    process.communicate(timeout=10)
