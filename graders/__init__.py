"""The engine that grades submissions of every lab; it knows none of them by name."""
