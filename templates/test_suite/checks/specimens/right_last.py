def split(cents, people):
    """Split an amount; who comes last gets the odd cents."""
    return [(cents * (n + 1)) // people - (cents * n) // people for n in range(people)]
