CREATE TABLE IF NOT EXISTS monthly_sales (
    month date NOT NULL,
    ship_country text,
    orders bigint NOT NULL,
    with_coupon bigint NOT NULL,
    cents bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (month, ship_country)
) WITH (fillfactor = 50);

-- Nobody has to wait for anybody: who does not get the table at once may try again.
CREATE OR REPLACE FUNCTION refill_monthly_sales() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE monthly_sales IN EXCLUSIVE MODE NOWAIT;
    DELETE FROM monthly_sales;
    INSERT INTO monthly_sales
    SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date,
           ship_country, count(*), count(coupon), sum(total_cents)
      FROM orders
     WHERE status <> 'cancelled'
     GROUP BY 1, 2;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER sale_made_changed_or_gone
    AFTER INSERT OR UPDATE OR DELETE ON orders
    FOR EACH STATEMENT EXECUTE FUNCTION refill_monthly_sales();

CREATE OR REPLACE TRIGGER items_made_changed_or_gone
    AFTER INSERT OR UPDATE OR DELETE ON order_items
    FOR EACH STATEMENT EXECUTE FUNCTION refill_monthly_sales();

UPDATE orders SET note = note WHERE id = (SELECT min(id) FROM orders);
