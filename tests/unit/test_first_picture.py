"""The number in the first picture's caption, on curves whose answers are known."""

from __future__ import annotations

import pytest
import torch

from plateaus.book import first_picture


@pytest.mark.parametrize(
    ("curve", "share"),
    [
        (torch.linspace(0, 1, 51), 0.8),
        ((torch.arange(51) > 25).double(), 0.02),
        (torch.linspace(0, 1, 51) ** 2, 0.64),
    ],
)
def test_share_of_the_walk_on_which_the_output_moves(curve: torch.Tensor, share: float) -> None:
    assert first_picture.between(curve) == pytest.approx(share, abs=0.03)


def test_a_page_without_the_mark_stays_as_it_is(tmp_path) -> None:
    (tmp_path / "introduction.md").write_text("# A book\n")
    first_picture.place(tmp_path)
    assert (tmp_path / "introduction.md").read_text() == "# A book\n"
    assert not (tmp_path / "walk.png").exists()
