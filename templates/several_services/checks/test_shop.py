"""Three services, each reached by its name."""

import pytest

from graders.checks import Call, expect, requirement

IN_STOCK = 5


@pytest.fixture
def shop(start_app):
    return start_app()


@requirement("each-answers")
def test_each_service_answers_with_its_own_name(app):
    for name in ("gateway", "orders", "stock"):
        answer = app[name].get("/healthz").expect(200, f"{name} is up")
        expect(answer.text == name, name, answer.text, answer=answer)


@requirement("orders-through")
def test_an_order_at_the_gateway_is_known_to_orders_and_stock(shop):
    shop.post("/orders").expect(201, "the first order")
    expect(shop["orders"].get("/count").text == "1", "1 order", shop["orders"].get("/count").text)
    left = shop["stock"].get("/count").text
    expect(left == str(IN_STOCK - 1), f"{IN_STOCK - 1} left in stock", left)


@requirement("never-oversells")
def test_orders_at_two_gateways_get_no_more_than_there_is(shop):
    first, second = shop.scale(2)
    answers = first.send_all([Call("POST", "/orders")] * IN_STOCK)
    answers += second.send_all([Call("POST", "/orders")] * IN_STOCK)
    statuses = sorted(answer.status for answer in answers)
    expect(statuses == [201] * IN_STOCK + [409] * IN_STOCK, f"{IN_STOCK} of each", statuses)


@requirement("stock-down")
def test_without_stock_nothing_is_sold_and_afterwards_all_is_well(shop):
    shop["stock"].kill()
    shop.post("/orders").expect(503, "an order while stock is down")
    shop["stock"].restart()
    shop.post("/orders").expect(201, "an order after stock is up again, at the same address")
