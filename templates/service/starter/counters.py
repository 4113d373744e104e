class Counters:
    """Counters of this process."""

    def __init__(self, database_url):
        self.counts = {}

    def increment(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1

    def read(self, name):
        return self.counts.get(name, 0)
