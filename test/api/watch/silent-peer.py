"""Opens a watch, then falls silent: its kernel drops every packet, so that nothing is acknowledged and nothing closed."""

import ctypes
import signal
import socket
import struct
import sys

SO_ATTACH_FILTER = 26
DROP = struct.pack("HBBI", 6, 0, 0, 0)  # BPF_RET | BPF_K with 0: accept 0 bytes of each packet

peer = socket.create_connection((sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1", int(sys.argv[1])))
peer.sendall(b"GET /servers/watch HTTP/1.1\r\nhost: localhost\r\n\r\n")
read = b""
while b"BOOKMARK" not in read:
    read += peer.recv(65536)
program = ctypes.create_string_buffer(DROP)
peer.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
print("silent", flush=True)
signal.pause()
