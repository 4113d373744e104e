"""The simplest Locust user, for measuring the generator."""

from locust import FastHttpUser, constant_throughput, task


class GetUser(FastHttpUser):
    """Asks for the root, again and again."""

    wait_time = constant_throughput(10)

    @task
    def get(self) -> None:
        """Send one request."""
        self.client.get("/", name="get")
