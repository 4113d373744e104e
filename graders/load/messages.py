"""The names of our messages between Locust's master and its workers."""

READY = "lab-ready"  # Locust calls a worker ready before it can know our messages
GO = "lab-go"
SAMPLES = "lab-samples"
