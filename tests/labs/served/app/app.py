"""Answers with what the submission's word.sql selects."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg

QUERY = (Path(os.environ["SUBMISSION"]) / "word.sql").read_text()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = ""
        if self.path != "/healthz":
            with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
                body = str(connection.execute(QUERY).fetchone()[0])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_request(self, *_):
        pass


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
