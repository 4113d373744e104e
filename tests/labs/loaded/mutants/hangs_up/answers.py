from kept import Kept


class Answers(Kept):
    """What the service answers: every tenth connection ends without an answer."""

    asked = 0

    def square(self, number):
        self.asked += 1
        if self.asked % 10 == 0:
            raise ConnectionAbortedError
        return str(number * number)
