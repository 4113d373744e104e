"""Several generators as one: gives each worker its part of a run and merges what they measured.

`python -m graders.load.master ORDERS RESULT WORKERS PORT` on top of Locust's own master.
"""

import dataclasses
import io
import sys
from pathlib import Path
from typing import Any

import gevent
import gevent.queue
import locust
from locust.env import Environment

from graders.load.messages import GO, SAMPLES
from graders.load.runner import LATE, WAIT_FOR_WORKERS_S, Orders
from graders.samples import load, merge, save


def part(orders: Orders, index: int, workers: int) -> Orders:
    """Return a worker's share: 1/N of the rate, arrivals of its own."""
    run = dataclasses.replace(
        orders.run, rate_rps=orders.run.rate_rps / workers, seed=orders.run.seed * 1000 + index
    )
    return dataclasses.replace(orders, run=run)


def main() -> None:
    """Wait for all workers, let them go together, merge their samples into RESULT."""
    orders = Orders.from_json(Path(sys.argv[1]).read_text())
    result, workers, port = Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    environment = Environment(events=locust.events, user_classes=[])
    runner = environment.create_master_runner("*", port)
    received: gevent.queue.Queue[bytes] = gevent.queue.Queue()

    def take(msg: Any, **_: Any) -> None:
        received.put(msg.data["npz"])

    runner.register_message(SAMPLES, take)
    try:
        with gevent.Timeout(WAIT_FOR_WORKERS_S):
            while len(runner.clients.ready) < workers:
                gevent.sleep(0.05)
        for index, client in enumerate(runner.clients.ready):
            share = {"orders": part(orders, index, workers).to_json()}
            runner.send_message(GO, share, client.id)
        with gevent.Timeout(orders.run.patience_s):
            parts = [load(io.BytesIO(received.get())) for _ in range(workers)]
    except gevent.Timeout:
        here = len(runner.clients.ready)
        sys.stderr.write(
            f"{here} of {workers} workers are here, {received.qsize()} have answered\n"
        )
        sys.exit(LATE)
    save(result, merge(parts))
    runner.quit()


if __name__ == "__main__":
    main()
