"""What the three services share: a tiny HTTP server, and calls from one to another."""

import os
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def call(url):
    """POST to another service; its status, 503 if it does not answer."""
    try:
        with urllib.request.urlopen(url, data=b"", timeout=2) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 503


def serve(name, answers):
    """Answer requests for (method, path) with what the function returns: a status and a text."""
    routes = {("GET", "/healthz"): lambda: (200, name), **answers}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, text = routes.get((self.command, self.path), lambda: (404, ""))()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self):
            self.do_GET()

        def log_request(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
