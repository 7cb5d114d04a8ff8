"""Zero has no minus and NaN is a word; the plain format shows why that needs saying."""

from __future__ import annotations

import pytest

from plateaus.book.numbers import number, signed


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


def test_the_plain_format_would_show_what_is_no_number() -> None:
    assert (f"{-0.0004:.2f}", f"{float('nan'):.2f}") == ("-0.00", "nan")
