"""The shop as the checks use it."""

from filling import fill_from_environment

fill_from_environment(orders=40_000)
