"""One generator of several: takes its part of a run from Locust's master and sends samples back.

`python -m graders.load.worker LOCUSTFILE HOST PORT`. Poisson streams add up to a Poisson stream, so
N workers with a rate of 1/N each offer what one would.
"""

import io
import sys
from typing import Any

import gevent
import locust
from locust.env import Environment

from graders.load.driver import generator_for
from graders.load.messages import GO, READY, SAMPLES
from graders.load.runner import Orders
from graders.samples import save


def main() -> None:
    """Serve one master: one run, then end."""
    locustfile, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    environment = Environment(events=locust.events, user_classes=[])
    runner = environment.create_worker_runner(host, port)
    finished = gevent.event.Event()

    def go(msg: Any, **_: Any) -> None:
        orders = Orders.from_json(msg.data["orders"]).at(locustfile)
        samples = generator_for(orders, environment).offer()
        file = io.BytesIO()
        save(file, samples)
        runner.send_message(SAMPLES, {"npz": file.getvalue()})
        finished.set()

    runner.register_message(GO, go, concurrent=True)
    runner.send_message(READY)
    finished.wait()
    gevent.sleep(1.0)  # Locust's client has no flush: let the last message leave
    runner.quit()


if __name__ == "__main__":
    main()
