import multiprocessing

from kept import Kept


def burn():
    while True:
        pass


class Answers(Kept):
    """What the service answers, at once, while other processes keep both cores busy."""

    def __init__(self, database_url):
        super().__init__(database_url)
        for _ in range(2):
            multiprocessing.get_context("fork").Process(target=burn, daemon=True).start()

    def square(self, number):
        return str(number * number)
