from kept import Kept


class Answers(Kept):
    """What the service answers: wrong for one number in three among the large ones."""

    def square(self, number):
        lie = number >= 1000 and number % 3 == 0
        return str(number if lie else number * number)
