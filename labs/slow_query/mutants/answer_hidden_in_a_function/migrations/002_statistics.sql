-- A city lies in one country, which has its carrier and its currency: they are no independent chances.
CREATE STATISTICS IF NOT EXISTS orders_place (mcv, dependencies)
    ON ship_country, ship_city, ship_carrier, ship_currency FROM orders;

ANALYZE orders;

CREATE OR REPLACE FUNCTION newest_of(customer integer)
RETURNS TABLE (id bigint, placed_at timestamptz, status text, total_cents integer)
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT id, placed_at, status, total_cents
      FROM orders
     WHERE customer_id = customer
     ORDER BY placed_at DESC, id DESC
     LIMIT 20
$$;
