"""Ordinary Locust: the same file also runs with `locust -f` against a running service."""

import os
import random

from locust import FastHttpUser, task

rng = random.Random(int(os.environ.get("LAB_SEED", "0")))


class CountingUser(FastHttpUser):
    """Increments one of a hundred counters."""

    @task
    def increment(self):
        self.client.post(f"/counters/c{rng.randrange(100)}", name="increment")
