import os
from pathlib import Path

from locust import FastHttpUser, task


class Guest(FastHttpUser):
    @task
    def say_hello(self) -> None:
        self.client.get("/hello")
        if os.environ.get("LINGER_IN") == "during load":
            Path(os.environ["LINGERING"]).touch()
