"""Keeps notes in PostgreSQL, and read ones in Redis. PUT and GET /notes/KEY."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from notes import Notes

notes = Notes(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200)
        text = notes.read(self.path.removeprefix("/notes/"))
        return self.answer(404) if text is None else self.answer(200, text)

    def do_PUT(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        notes.write(self.path.removeprefix("/notes/"), text)
        self.answer(204)

    def answer(self, status, text=""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, *_):
        pass


if __name__ == "__main__":
    print("serving notes")
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
