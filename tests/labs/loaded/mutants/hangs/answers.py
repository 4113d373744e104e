import time

from kept import Kept

ASLEEP_S = 60


class Answers(Kept):
    """What the service answers: nothing any more, once it has been asked a few times."""

    asked = 0

    def square(self, number):
        self.asked += 1
        if self.asked > 50:
            time.sleep(ASLEEP_S)
        return str(number * number)
