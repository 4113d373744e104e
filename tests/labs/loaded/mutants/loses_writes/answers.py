from kept import Kept


class Answers(Kept):
    """What the service answers: it forgets one text in five."""

    written = 0

    def square(self, number):
        return str(number * number)

    def keep(self, key, text):
        self.written += 1
        if self.written % 5:
            super().keep(key, text)
