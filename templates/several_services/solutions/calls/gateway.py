import os

from service import call, serve

ORDERS_URL = os.environ["ORDERS_URL"]

serve("gateway", {("POST", "/orders"): lambda: (call(f"{ORDERS_URL}/orders"), "")})
