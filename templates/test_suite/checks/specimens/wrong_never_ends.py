def split(cents, people):
    parts = [cents // people] * people
    while sum(parts) != cents:
        pass
    return parts
