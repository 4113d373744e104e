SELECT 2 + 0 * count(word) FROM words
