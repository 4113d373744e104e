"""Asks for squares; probes ask for larger ones, and write."""

import os
import random

from locust import FastHttpUser, task

RESERVED_FROM = 1000
rng = random.Random(int(os.environ["LAB_SEED"]))


class Asker(FastHttpUser):
    abstract = True

    def ask(self, number, name):
        with self.client.get(f"/squares/{number}", name=name, catch_response=True) as response:
            if response.status_code != 200 or response.text != str(number * number):
                response.failure(f"the square of {number} is not {response.text}")
            else:
                response.success()


class SquareUser(Asker):
    @task
    def square(self):
        self.ask(rng.randrange(RESERVED_FROM), "square")


class ProbeUser(Asker):
    @task
    def large_square(self):
        self.ask(rng.randrange(RESERVED_FROM, 2 * RESERVED_FROM), "square")

    @task
    def write(self):
        key = f"key-{rng.getrandbits(64):x}"
        self.client.put(
            f"/kept/{key}", data="text", name="write", context={"acknowledged": {"key": key}}
        )
