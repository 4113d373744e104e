-- A city lies in one country, which has its carrier and its currency: they are no independent chances.
CREATE STATISTICS IF NOT EXISTS orders_place (mcv, dependencies)
    ON ship_country, ship_city, ship_carrier, ship_currency FROM orders;

ANALYZE orders;
