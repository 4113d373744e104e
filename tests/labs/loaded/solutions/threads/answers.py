from kept import Kept


class Answers(Kept):
    """What the service answers."""

    def square(self, number):
        return str(number * number)
