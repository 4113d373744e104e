"""Greets, with nothing but the standard library."""

import http.server
import json
import os


class Greeter(http.server.BaseHTTPRequestHandler):
    greeting = "hi"

    def do_GET(self) -> None:
        body = json.dumps({"greeting": self.greeting}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def serve(handler: type[http.server.BaseHTTPRequestHandler] = Greeter) -> None:
    address = ("127.0.0.1", int(os.environ["PORT"]))
    http.server.ThreadingHTTPServer(address, handler).serve_forever()


if __name__ == "__main__":
    serve()
