"""The grader's HTTP client: what is asked, what is answered, and who asks."""

from graders.client.calls import Answer, Call
from graders.client.client import Client

__all__ = ["Answer", "Call", "Client"]
