"""A program in a terminal of its own, as a person would run it."""

import fcntl
import os
import pty
import re
import selectors
import struct
import subprocess
import termios
import time


class Terminal:
    """Runs a command with a pseudo-terminal as its controlling one."""

    def __init__(self, command: list, environment: dict[str, str] = {}):
        self.primary, secondary = pty.openpty()
        os.set_blocking(self.primary, False)
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            start_new_session=True,
            preexec_fn=take_terminal,
            env={**os.environ, "TERM": "xterm", **environment},
        )
        os.close(secondary)
        self.shown = ""  # all that it has written so far

    def read(self) -> str:
        try:
            while data := os.read(self.primary, 65536):
                self.shown += data.decode(errors="replace")
        except (BlockingIOError, OSError):  # nothing now; its end is gone
            pass
        return self.shown

    def wait_for(self, text: str, timeout_s: float = 20) -> str:
        """Until it shows the text; all from what the call before has waited for up to it."""
        selector = selectors.DefaultSelector()
        selector.register(self.primary, selectors.EVENT_READ)
        deadline = time.monotonic() + timeout_s
        while text not in self.read():
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} is not in {self.shown!r}"
            selector.select(min(left, 0.1))
        end = self.shown.index(text) + len(text)
        found, self.shown = self.shown[:end], self.shown[end:]
        return found

    def modes(self) -> list:
        return termios.tcgetattr(self.primary)

    def type(self, text: str) -> None:
        os.write(self.primary, text.encode())

    def wait(self, timeout_s: float = 20) -> int:
        deadline = time.monotonic() + timeout_s
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still runs: {self.shown!r}"
            self.read()
            time.sleep(0.02)
        self.read()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.primary)


def take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def plain(text: str) -> str:
    """Without control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()=>][0-9A-B]?|\r", "", text)
