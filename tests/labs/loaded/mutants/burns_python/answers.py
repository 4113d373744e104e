import multiprocessing

from kept import Kept


def burn(tasks, results):
    while True:
        for index in range(tasks.get()):
            index * index
        results.put(None)


class Answers(Kept):
    """What the service answers, after other processes have worked on it on both cores."""

    def __init__(self, database_url):
        super().__init__(database_url)
        spawn = multiprocessing.get_context("fork")
        self.tasks, self.results = spawn.Queue(), spawn.Queue()
        for _ in range(2):
            spawn.Process(target=burn, args=(self.tasks, self.results), daemon=True).start()

    def square(self, number):
        self.tasks.put(700_000)
        self.results.get()
        return str(number * number)
