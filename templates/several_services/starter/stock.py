from service import serve

serve("stock", {})
