"""A search over nothing, while this process still holds vectors of what was there."""

import numpy as np
import pytest

from search import catalogue, scope
from search.question import Query


@pytest.mark.django_db
@pytest.mark.parametrize("workspace_ids", [[], [1]])
def test_vectors_of_passages_that_are_gone_are_not_allowed(workspace_ids):
    query = Query(
        text="heron",
        mode="hybrid",
        workspace_ids=workspace_ids,
        kinds=("memory",),
        limit=5,
    )
    seen = scope.of(query, catalogue.current())

    assert seen.allowed(np.array([5, 7])).tolist() == [False, False]
