from service import serve

serve("gateway", {("POST", "/orders"): lambda: (201, "")})
