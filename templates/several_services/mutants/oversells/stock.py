from service import serve

left = [1] * 5


def reserve():
    if left:
        left.pop()
    return 200, ""


serve("stock", {("POST", "/reserve"): reserve, ("GET", "/count"): lambda: (200, str(len(left)))})
