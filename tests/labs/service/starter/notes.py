class Notes:
    """Forgets everything, so far."""

    def __init__(self, database_url, redis_url):
        pass

    def read(self, key):
        return None

    def write(self, key, text):
        pass
