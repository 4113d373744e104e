from service import serve

serve("gateway", {})
