"""Counts. POST and GET /counters/NAME."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from counters import Counters

counters = Counters(os.environ["DATABASE_URL"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.answer("" if self.path == "/healthz" else str(counters.read(name)))

    def do_POST(self):
        counters.increment(self.path.rpartition("/")[2])
        self.answer("")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
