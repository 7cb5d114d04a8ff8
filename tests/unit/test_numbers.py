"""Zero has no minus and NaN is a word; the plain format shows why that needs saying."""

from __future__ import annotations

import math

import pytest

from plateaus.book.numbers import alike, number, signed


@pytest.mark.parametrize(
    ("value", "plain", "with_sign"),
    [
        (-0.0004, "0.00", "+0.0"),
        (0.0004, "0.00", "+0.0"),
        (-0.0, "0.00", "+0.0"),
        (-0.36, "-0.36", "-0.4"),
        (12.345, "12.35", "+12.3"),
        (float("nan"), "none", "none"),
        (None, "none", "none"),
    ],
)
def test_numbers_as_a_page_shows_them(value: float | None, plain: str, with_sign: str) -> None:
    assert (number(value), signed(value)) == (plain, with_sign)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((2.1, 1.93, 2.26), ["2.10", "1.93", "2.26"]),
        ((-0.0056, -0.0297, 0.00882), ["-0.0056", "-0.0297", "0.0088"]),
        ((0.05, -0.001, 8.25), ["0.05", "0.00", "8.25"]),
        ((44531, 44531, 44531), ["44,531", "44,531", "44,531"]),
        ((0, 0, 0), ["0", "0", "0"]),
        ((600.4, 580.0, 1234.5), ["600", "580", "1,234"]),
    ],
)
def test_a_number_and_its_interval_have_equally_many_decimals(
    values: tuple[float, ...], shown: list[str]
) -> None:
    assert alike(*values) == shown
    assert [f"{value:.3g}" for value in (2.1, 1.93, 44531)] == ["2.1", "1.93", "4.45e+04"]


def test_what_lies_half_way_is_the_same_whatever_its_last_bit() -> None:
    beside = (math.nextafter(0.0165, 0), 0.01649998, 0.0165, math.nextafter(0.0165, 1))
    assert {alike(value, 0.003, 0.117)[0] for value in beside} == {"0.017"}
    assert {f"{value:.3f}" for value in beside} == {"0.016", "0.017"}  # the twin
    assert alike(0.905, 1 - 1e-7) == alike(0.905, 1.0) == ["0.91", "1.00"]


def test_the_plain_format_would_show_what_is_no_number() -> None:
    assert (f"{-0.0004:.2f}", f"{float('nan'):.2f}") == ("-0.00", "nan")
