"""Viewers of an event stream: `python -m bench.webviewers --port=P --count=N PATH`.

Prints `ready` once all have had their headers. Then answers each line on standard input with the
number of events that all have got so far, and ends with the end of its input.
"""

import argparse
import selectors
import socket
import sys

_EVENT = b"\ndata: "


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("path")
    options = parser.parse_args()
    selector = selectors.DefaultSelector()
    head = f"GET {options.path} HTTP/1.1\r\nHost: 127.0.0.1:{options.port}\r\n"
    for _ in range(options.count):
        viewer = socket.create_connection(("127.0.0.1", options.port))
        viewer.sendall(f"{head}Accept: text/event-stream\r\n\r\n".encode())
        if b" 200" not in viewer.recv(4096).partition(b"\r\n")[0]:
            sys.exit("The event stream was refused.")
        selector.register(viewer, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    ends: dict[object, bytes] = {}  # of what each has got, where an event may have begun
    print("ready", flush=True)
    events = 0
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                if not sys.stdin.readline():
                    return
                print(events, flush=True)
            else:
                part = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                if not part:
                    sys.exit("The server has hung up on a viewer.")
                part = ends.get(key.fileobj, b"") + part
                events += part.count(_EVENT)
                ends[key.fileobj] = part[1 - len(_EVENT) :]


if __name__ == "__main__":
    main()
