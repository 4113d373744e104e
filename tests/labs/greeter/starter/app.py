"""Greets. GET / and GET /hello/NAME."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def hello(path):
    return "Hello!"


def answer(path):
    return 200, hello(path)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, text = (200, "") if self.path == "/healthz" else answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
