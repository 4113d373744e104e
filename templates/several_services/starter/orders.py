from service import serve

serve("orders", {})
