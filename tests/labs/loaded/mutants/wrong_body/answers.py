from kept import Kept


class Answers(Kept):
    """What the service answers: under load, anything."""

    asked = 0

    def square(self, number):
        self.asked += 1
        return str(number * number if self.asked < 10 else number)
