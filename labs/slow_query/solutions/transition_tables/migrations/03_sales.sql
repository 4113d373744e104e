-- Sales `since` the triggers count are kept apart from those `before`: a report adds them up.
CREATE TABLE IF NOT EXISTS sales (
    month date NOT NULL,
    ship_country text,
    since boolean NOT NULL,
    orders bigint NOT NULL,
    with_coupon bigint NOT NULL,
    cents bigint NOT NULL,
    CONSTRAINT sales_once UNIQUE NULLS NOT DISTINCT (month, ship_country, since)
) WITH (fillfactor = 60);

CREATE OR REPLACE FUNCTION add_up_sales() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO sales AS s
        SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date, ship_country, true,
               count(*), count(coupon), sum(total_cents)
          FROM new_orders
         WHERE status <> 'cancelled'
         GROUP BY 1, 2
         ORDER BY 1, 2
        ON CONFLICT ON CONSTRAINT sales_once DO UPDATE
           SET orders = s.orders + excluded.orders,
               with_coupon = s.with_coupon + excluded.with_coupon,
               cents = s.cents + excluded.cents;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO sales AS s
        SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date, ship_country, true,
               -count(*), -count(coupon), -sum(total_cents)
          FROM old_orders
         WHERE status <> 'cancelled'
         GROUP BY 1, 2
         ORDER BY 1, 2
        ON CONFLICT ON CONSTRAINT sales_once DO UPDATE
           SET orders = s.orders + excluded.orders,
               with_coupon = s.with_coupon + excluded.with_coupon,
               cents = s.cents + excluded.cents;
    ELSE
        INSERT INTO sales AS s
        SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date, ship_country, true,
               sum(sign), coalesce(sum(sign) FILTER (WHERE coupon IS NOT NULL), 0),
               sum(sign * total_cents)
          FROM (SELECT 1 AS sign, placed_at, ship_country, coupon, total_cents, status
                  FROM new_orders
                 UNION ALL
                SELECT -1, placed_at, ship_country, coupon, total_cents, status
                  FROM old_orders) AS change
         WHERE status <> 'cancelled'
         GROUP BY 1, 2
        HAVING (sum(sign), coalesce(sum(sign) FILTER (WHERE coupon IS NOT NULL), 0),
                sum(sign * total_cents)) <> (0, 0, 0)
         ORDER BY 1, 2
        ON CONFLICT ON CONSTRAINT sales_once DO UPDATE
           SET orders = s.orders + excluded.orders,
               with_coupon = s.with_coupon + excluded.with_coupon,
               cents = s.cents + excluded.cents;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER sales_of_new AFTER INSERT ON orders
    REFERENCING NEW TABLE AS new_orders
    FOR EACH STATEMENT EXECUTE FUNCTION add_up_sales();

CREATE OR REPLACE TRIGGER sales_of_gone AFTER DELETE ON orders
    REFERENCING OLD TABLE AS old_orders
    FOR EACH STATEMENT EXECUTE FUNCTION add_up_sales();

CREATE OR REPLACE TRIGGER sales_of_changed AFTER UPDATE ON orders
    REFERENCING OLD TABLE AS old_orders NEW TABLE AS new_orders
    FOR EACH STATEMENT EXECUTE FUNCTION add_up_sales();

-- `before` is all that is there now less what was counted `since`, seen at one moment; nobody is
-- locked out meanwhile.
INSERT INTO sales AS s
SELECT month, ship_country, false, sum(orders), sum(with_coupon), sum(cents)
  FROM (SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date AS month,
               ship_country, count(*) AS orders, count(coupon) AS with_coupon,
               sum(total_cents) AS cents
          FROM orders
         WHERE status <> 'cancelled'
         GROUP BY 1, 2
         UNION ALL
        SELECT month, ship_country, -orders, -with_coupon, -cents
          FROM sales
         WHERE since) AS missing
 GROUP BY month, ship_country
ON CONFLICT ON CONSTRAINT sales_once DO UPDATE
   SET orders = excluded.orders, with_coupon = excluded.with_coupon, cents = excluded.cents;
