"""Knows squares, and keeps texts in PostgreSQL. GET /squares/N, PUT and GET /kept/KEY."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from answers import Answers

answers = Answers(os.environ["DATABASE_URL"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def do_GET(self):
        kind, _, key = self.path.removeprefix("/").partition("/")
        if kind == "healthz":
            return self.answer(200)
        text = answers.square(int(key)) if kind == "squares" else answers.kept(key)
        return self.answer(404) if text is None else self.answer(200, text)

    def do_PUT(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answers.keep(self.path.rpartition("/")[2], text)
        self.answer(201)

    def answer(self, status, text=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    print("serving squares")
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
