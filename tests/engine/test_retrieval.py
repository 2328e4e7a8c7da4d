"""Query-balanced retrieval against a search that holds everything at once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from distbench.engine import retrieval
from distbench.engine.retrieval import nearest, neighbours_each, retrieve

Floats = NDArray[np.float32]


@pytest.fixture(params=[(7, 3), (4096, 1024)], ids=["small blocks", "one block"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "_BLOCK", request.param[0])
    monkeypatch.setattr(retrieval, "_QUERIES", request.param[1])


def drawn(count: int, seed: int, dims: int = 6) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, dims)).astype(np.float32)


def cosines(queries: Floats, gallery: Floats) -> NDArray[np.float64]:
    a, b = (np.asarray(x, dtype=np.float64) for x in (queries, gallery))
    a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30) for x in (a, b))
    return np.round(a @ b.T, 6)


def by_brute_force(queries: Floats, gallery: Floats, each: int) -> set[tuple[int, int]]:
    """Pairs (query, image): queries in turns take the nearest image that is left."""
    order = np.argsort(-cosines(queries, gallery), axis=1, kind="stable")
    taken: set[int] = set()
    pairs = set()
    for _ in range(each):
        for query, row in enumerate(order.tolist()):
            image = next(i for i in row if i not in taken)
            taken.add(image)
            pairs.add((query, image))
    return pairs


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("depth", [1, 5, 40, 100])
def test_the_search_is_exact(depth: int) -> None:
    queries, gallery = drawn(11, 0), drawn(40, 1)
    places, close = nearest(queries, gallery, depth)
    true = cosines(queries, gallery)
    expected = np.argsort(-true, axis=1, kind="stable")[:, :depth]
    assert places.tolist() == expected.tolist()
    assert close == pytest.approx(np.take_along_axis(true, expected, axis=1), abs=2e-6)


@pytest.mark.usefixtures("blocks")
def test_equal_images_come_in_the_order_of_their_positions() -> None:
    gallery = np.tile(np.eye(3, dtype=np.float32), (10, 1))
    gallery *= np.arange(1, 31, dtype=np.float32)[:, None]  # length says nothing
    places, close = nearest(np.eye(3, dtype=np.float32)[[1]], gallery, 14)
    assert places.tolist() == [[1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 0, 2, 3, 5]]
    assert close[0].tolist() == [1.0] * 10 + [0.0] * 4


@pytest.mark.usefixtures("blocks")
def test_images_can_be_left_out() -> None:
    queries, gallery = drawn(3, 2), drawn(30, 3)
    without = np.zeros(30, dtype=bool)
    without[nearest(queries, gallery, 4)[0].ravel()] = True
    places, _ = nearest(queries, gallery, 50, without)
    assert places.shape == (3, int((~without).sum()))
    assert not without[places].any()
    order = np.argsort(-cosines(queries, gallery), axis=1, kind="stable")
    assert places.tolist() == [[i for i in row if not without[i]] for row in order.tolist()]


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(("count", "budget"), [(5, 10), (5, 24), (4, 36), (9, 45), (1, 30)])
@pytest.mark.parametrize("held", [2**22, 16])
def test_every_query_gets_as_many_and_no_image_comes_twice(
    count: int, budget: int, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "_HELD", held)
    queries, gallery = drawn(count, 4), drawn(40, 5)
    found = retrieve(queries, gallery, budget)
    each = budget // count - 1
    assert found.positions.tolist() == sorted(set(found.positions.tolist()))
    assert np.bincount(found.queries, minlength=count).tolist() == [each] * count
    pairs = set(zip(found.queries.tolist(), found.positions.tolist(), strict=True))
    assert pairs == by_brute_force(queries, gallery, each)
    true = cosines(queries, gallery)[found.queries, found.positions]
    assert found.similarity == pytest.approx(true, abs=2e-6)


@pytest.mark.usefixtures("blocks")
def test_queries_that_want_the_same_images_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "_HELD", 24)
    queries, gallery = np.repeat(drawn(2, 6), 6, axis=0), drawn(100, 7)
    found = retrieve(queries, gallery, 12 * 8)
    assert np.bincount(found.queries).tolist() == [7] * 12
    pairs = set(zip(found.queries.tolist(), found.positions.tolist(), strict=True))
    assert pairs == by_brute_force(queries, gallery, 7)


def test_a_gallery_that_is_too_small_is_taken_whole() -> None:
    queries, gallery = drawn(4, 8), drawn(10, 9)
    found = retrieve(queries, gallery, 400)
    assert found.positions.tolist() == list(range(10))
    assert found.queries.tolist() == cosines(gallery, queries).argmax(axis=1).tolist()


def test_an_image_without_features_is_near_to_nothing() -> None:
    places, close = nearest(np.ones((1, 2), np.float32), np.array([[0, 0], [-1, 0], [1, 0]]), 3)
    assert places.tolist() == [[2, 0, 1]]
    assert close[0].tolist() == pytest.approx([0.707107, 0, -0.707107])


@pytest.mark.parametrize(
    ("queries", "each"), [(1200, 127), (2401, 63), (4802, 31), (9605, 15), (19210, 7)]
)
def test_the_published_sets_have_so_many_images_for_each_query(queries: int, each: int) -> None:
    assert neighbours_each(153_680, queries) == each
    assert neighbours_each(queries, queries) == neighbours_each(1, queries) == 0


def test_the_gallery_is_read_block_by_block() -> None:
    """A gallery that says how many of its rows are looked at together."""

    class Counting:
        most = 0

        def __init__(self, rows: Floats) -> None:
            self.rows = rows

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, which: slice) -> Floats:
            found = self.rows[which]
            self.most = max(self.most, len(found))
            return found

    gallery = Counting(drawn(9000, 10, dims=2))
    retrieve(drawn(3, 11, dims=2), gallery, 60)  # type: ignore[arg-type]
    assert gallery.most == 4096
