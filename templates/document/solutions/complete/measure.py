print(len(f"{1 << 127:x}") - len(str(1_000_000)))
