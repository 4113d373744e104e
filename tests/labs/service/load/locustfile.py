"""Reads notes that were there before."""

import os
import random

from locust import FastHttpUser, task

rng = random.Random(int(os.environ["LAB_SEED"]))


class ReadUser(FastHttpUser):
    @task
    def read(self):
        self.client.get(f"/notes/old-{rng.randint(1, 5)}", name="read")
