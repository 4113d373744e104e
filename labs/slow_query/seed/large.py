"""The shop at its real size, to try things by hand."""

from filling import fill_from_environment

fill_from_environment(orders=1_000_000)
