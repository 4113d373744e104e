"""The same rows as the original queries give, whatever is in the tables."""

from graders.checks import requirement


@requirement("same-answers-customer-orders")
def test_customer_orders_answers_as_before(same_answers):
    same_answers("customer-orders")


@requirement("same-answers-coupon-orders")
def test_coupon_orders_answers_as_before(same_answers):
    same_answers("coupon-orders")


@requirement("same-answers-order-history")
def test_order_history_answers_as_before(same_answers):
    same_answers("order-history")


@requirement("same-answers-win-back")
def test_win_back_answers_as_before(same_answers):
    same_answers("win-back")


@requirement("same-answers-city-returns")
def test_city_returns_answers_as_before(same_answers):
    same_answers("city-returns")


@requirement("same-answers-campaign-orders")
def test_campaign_orders_answers_as_before(same_answers):
    same_answers("campaign-orders")


@requirement("same-answers-warehouse-largest")
def test_warehouse_largest_answers_as_before(same_answers):
    same_answers("warehouse-largest")


@requirement("same-answers-monthly-sales")
def test_monthly_sales_answers_as_before(same_answers):
    same_answers("monthly-sales")
