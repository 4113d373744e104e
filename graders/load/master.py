"""Several generators as one: gives each worker its part of a run and merges what they measured.

`python -m graders.load.master ORDERS RESULT WORKERS PORT` on top of Locust's own master.
"""

import dataclasses
import io
import sys
from pathlib import Path

import gevent
import gevent.queue
import locust
from locust.env import Environment

from graders.load.messages import GO, READY, SAMPLES
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
    ready: gevent.queue.Queue[str] = gevent.queue.Queue()
    received: gevent.queue.Queue[bytes] = gevent.queue.Queue()
    runner.register_message(READY, lambda msg, **_: ready.put(msg.node_id))
    runner.register_message(SAMPLES, lambda msg, **_: received.put(msg.data["npz"]))
    try:
        with gevent.Timeout(WAIT_FOR_WORKERS_S):
            here = [ready.get() for _ in range(workers)]
        for index, worker in enumerate(here):
            share = {"orders": part(orders, index, workers).to_json()}
            runner.send_message(GO, share, worker)
        with gevent.Timeout(orders.run.patience_s):
            parts = [load(io.BytesIO(received.get())) for _ in range(workers)]
    except gevent.Timeout:
        sys.stderr.write(f"of {workers} workers, not all came or not all answered in time\n")
        sys.exit(LATE)
    save(result, merge(parts))
    runner.quit()


if __name__ == "__main__":
    main()
