import time

from kept import Kept


class Answers(Kept):
    """What the service answers: slowly, once it has run for a while."""

    first_s = None

    def square(self, number):
        self.first_s = self.first_s or time.monotonic()
        if time.monotonic() - self.first_s > 1:
            time.sleep(0.2)
        return str(number * number)
