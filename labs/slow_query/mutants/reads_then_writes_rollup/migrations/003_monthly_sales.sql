CREATE TABLE IF NOT EXISTS monthly_sales (
    month date NOT NULL,
    ship_country text,
    orders bigint NOT NULL,
    with_coupon bigint NOT NULL,
    cents bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (month, ship_country)
) WITH (fillfactor = 50);

CREATE OR REPLACE FUNCTION count_sale(sale orders, times integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    first_day date := date_trunc('month', sale.placed_at AT TIME ZONE 'Europe/Berlin')::date;
    known monthly_sales;
BEGIN
    IF sale.status = 'cancelled' THEN
        RETURN;
    END IF;
    SELECT * INTO known FROM monthly_sales
     WHERE month = first_day AND ship_country IS NOT DISTINCT FROM sale.ship_country;
    INSERT INTO monthly_sales VALUES (
        first_day,
        sale.ship_country,
        coalesce(known.orders, 0) + times,
        coalesce(known.with_coupon, 0) + CASE WHEN sale.coupon IS NULL THEN 0 ELSE times END,
        coalesce(known.cents, 0) + times * sale.total_cents)
    ON CONFLICT (month, ship_country) DO UPDATE
       SET orders = excluded.orders, with_coupon = excluded.with_coupon, cents = excluded.cents;
END
$$;

CREATE OR REPLACE FUNCTION keep_monthly_sales() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM count_sale(OLD, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM count_sale(NEW, 1);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER sale_made_or_gone
    AFTER INSERT OR DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION keep_monthly_sales();

CREATE OR REPLACE TRIGGER sale_changed
    AFTER UPDATE ON orders
    FOR EACH ROW
    WHEN ((OLD.placed_at, OLD.ship_country, OLD.total_cents, OLD.coupon, OLD.status = 'cancelled')
          IS DISTINCT FROM
          (NEW.placed_at, NEW.ship_country, NEW.total_cents, NEW.coupon, NEW.status = 'cancelled'))
    EXECUTE FUNCTION keep_monthly_sales();

-- From here on the triggers count. What is missing from the table is the difference between all
-- orders and what they have counted, both seen at the same moment; so nobody has to be locked out,
-- and running it again adds nothing.
INSERT INTO monthly_sales AS m
SELECT month, ship_country, sum(orders), sum(with_coupon), sum(cents)
  FROM (SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date AS month,
               ship_country,
               count(*) AS orders,
               count(coupon) AS with_coupon,
               sum(total_cents) AS cents
          FROM orders
         WHERE status <> 'cancelled'
         GROUP BY 1, 2
         UNION ALL
        SELECT month, ship_country, -orders, -with_coupon, -cents
          FROM monthly_sales) AS missing
 GROUP BY month, ship_country
HAVING sum(orders) <> 0 OR sum(with_coupon) <> 0 OR sum(cents) <> 0
ON CONFLICT (month, ship_country) DO UPDATE
   SET orders = m.orders + excluded.orders,
       with_coupon = m.with_coupon + excluded.with_coupon,
       cents = m.cents + excluded.cents;
