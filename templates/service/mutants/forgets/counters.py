import threading


class Counters:
    """Counters of this process."""

    def __init__(self, database_url):
        self.counts = {}
        self.lock = threading.Lock()

    def increment(self, name):
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1

    def read(self, name):
        return self.counts.get(name, 0)
