def split(cents, people):
    """Split an amount; who comes first gets the odd cents."""
    part, odd = divmod(cents, people)
    return [part + (index < odd) for index in range(people)]
