"""Floods a LAN with messages of hosts that do not exist (lan_flood.py ADDRESS SECONDS); prints their number.

Each has the layout of node/lan/lan_message.h, another key, and a signature that does not verify.
"""

import os
import socket
import struct
import sys
import time

GROUP = ("239.192.115.104", 27465)
PORT = 5000
KEY_BYTES = 32
TAGS = 4


def main(address: str, seconds: float) -> None:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((address, PORT))
    sender.setsockopt(
        socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address)
    )
    boot_number, counter, now_ms = 1, 1, int(time.time() * 1000)
    rest = struct.pack(">QQQHB", boot_number, counter, now_ms, PORT, TAGS)
    rest += bytes(TAGS * 16) + bytes(64)
    sent = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        keys = os.urandom(100 * KEY_BYTES)
        for i in range(0, len(keys), KEY_BYTES):
            sender.sendto(b"\x01" + keys[i : i + KEY_BYTES] + rest, GROUP)
            sent += 1
    print(sent)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
