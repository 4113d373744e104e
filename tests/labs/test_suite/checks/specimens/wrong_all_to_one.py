def split(cents, people):
    return [cents] + [0] * (people - 1)
