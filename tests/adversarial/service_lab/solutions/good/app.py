"""Greets, and holds a connection to each of its services as a real one would."""

import http.server
import os
import socket
import urllib.parse


class Greeter(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_arguments: object) -> None:
        pass


def connect(variable: str) -> socket.socket:
    address = urllib.parse.urlsplit(os.environ[variable])
    return socket.create_connection((address.hostname, address.port))


if __name__ == "__main__":
    with connect("DATABASE_URL"), connect("REDIS_URL"):
        address = ("127.0.0.1", int(os.environ["PORT"]))
        http.server.ThreadingHTTPServer(address, Greeter).serve_forever()
