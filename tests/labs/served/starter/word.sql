SELECT max(n) FROM words
