"""Little work, and not much more when the shop grows: blocks, counted by PostgreSQL."""

from graders.checks import requirement


@requirement("fewer-blocks-customer-orders")
def test_customer_orders_touches_few_blocks(fewer_blocks):
    fewer_blocks("customer-orders")


@requirement("flat-growth-customer-orders")
def test_customer_orders_does_not_grow_with_the_shop(flat_growth):
    flat_growth("customer-orders")


@requirement("fewer-blocks-coupon-orders")
def test_coupon_orders_touches_few_blocks(fewer_blocks):
    fewer_blocks("coupon-orders")


@requirement("flat-growth-coupon-orders")
def test_coupon_orders_does_not_grow_with_the_shop(flat_growth):
    flat_growth("coupon-orders")


@requirement("fewer-blocks-order-history")
def test_order_history_touches_few_blocks(fewer_blocks):
    fewer_blocks("order-history")


@requirement("flat-growth-order-history")
def test_order_history_does_not_grow_with_the_shop(flat_growth):
    flat_growth("order-history")


@requirement("fewer-blocks-win-back")
def test_win_back_touches_few_blocks(fewer_blocks):
    fewer_blocks("win-back")


@requirement("flat-growth-win-back")
def test_win_back_does_not_grow_with_the_shop(flat_growth):
    flat_growth("win-back")


@requirement("fewer-blocks-city-returns")
def test_city_returns_touches_few_blocks(fewer_blocks):
    fewer_blocks("city-returns")


@requirement("flat-growth-city-returns")
def test_city_returns_does_not_grow_with_the_shop(flat_growth):
    flat_growth("city-returns")


@requirement("fewer-blocks-campaign-orders")
def test_campaign_orders_touches_few_blocks(fewer_blocks):
    fewer_blocks("campaign-orders")


@requirement("flat-growth-campaign-orders")
def test_campaign_orders_does_not_grow_with_the_shop(flat_growth):
    flat_growth("campaign-orders")


@requirement("fewer-blocks-warehouse-largest")
def test_warehouse_largest_touches_few_blocks(fewer_blocks):
    fewer_blocks("warehouse-largest")


@requirement("flat-growth-warehouse-largest")
def test_warehouse_largest_does_not_grow_with_the_shop(flat_growth):
    flat_growth("warehouse-largest")


@requirement("fewer-blocks-monthly-sales")
def test_monthly_sales_touches_few_blocks(fewer_blocks):
    fewer_blocks("monthly-sales")


@requirement("flat-growth-monthly-sales")
def test_monthly_sales_does_not_grow_with_the_shop(flat_growth):
    flat_growth("monthly-sales")
