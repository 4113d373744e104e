import threading

from service import serve

left = [1] * 5
lock = threading.Lock()


def reserve():
    with lock:
        if not left:
            return 409, ""
        left.pop()
    return 200, ""


serve("orders", {("POST", "/reserve"): reserve, ("GET", "/count"): lambda: (200, str(len(left)))})
