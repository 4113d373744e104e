import os

from kept import Kept


class Answers(Kept):
    """What the service answers: nothing any more after 100 questions."""

    asked = 0

    def square(self, number):
        self.asked += 1
        if self.asked == 100:
            print("out of squares", flush=True)
            os._exit(3)
        return str(number * number)
