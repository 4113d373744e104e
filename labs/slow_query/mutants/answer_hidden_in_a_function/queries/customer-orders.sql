SELECT id, placed_at, status, total_cents
  FROM newest_of(%(customer)s)
