"""An OpenAI-compatible server that streams at a fixed pace: python loopback.py TOKENS_PER_SECOND TOKENS; prints its port."""

import json
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = (
    "the",
    "lantern",
    "was",
    "lit",
    "before",
    "any",
    "of",
    "us",
    "came",
    "down",
    "to",
    "supper,",
    "and",
    "it",
    "burned",
)
PARAGRAPH = 60
"""Tokens after which a line ends."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rate = 80.0
    tokens = 512

    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": "loopback"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        draw = random.Random(self.headers["Host"])
        began = time.perf_counter()
        try:
            for number in range(1, self.tokens + 1):
                time.sleep(max(0.0, began + number / self.rate - time.perf_counter()))
                word = draw.choice(WORDS) + ("\n" if number % PARAGRAPH == 0 else " ")
                self.send({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
            usage = {"prompt_tokens": 10, "completion_tokens": self.tokens}
            self.send({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever listened had enough

    def send(self, event: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    Handler.rate, Handler.tokens = float(sys.argv[1]), int(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
