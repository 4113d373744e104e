"""Greets, and tells the word if it stands in a file beside it."""

import http.server
import os
from pathlib import Path

WORD = Path(__file__).with_name("word.txt")


class Teller(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/word" and WORD.exists()
        body = WORD.read_bytes() if known else b"hello"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["PORT"]))
    http.server.ThreadingHTTPServer(address, Teller).serve_forever()
