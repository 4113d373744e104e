"""Sends the grader on to a listener of somebody else's, in every way HTTP knows."""

import kit


class Teller(kit.Teller):
    def do_GET(self) -> None:
        if self.path == "/healthz":
            return super().do_GET()
        kit.say("tried redirects")
        url = f"http://127.0.0.1:{kit.TARGETS['tcp']}/"
        self.send_response(307)
        self.send_header("Location", url)
        self.send_header("Refresh", f"0; url={url}")
        self.send_header("Alt-Svc", f'h2="127.0.0.1:{kit.TARGETS["tcp"]}"')
        self.send_header("Content-Length", "0")
        return self.end_headers()


def attack() -> None:
    pass
