"""A search over nothing, while this process still holds vectors of what was there."""

import numpy as np
import pytest

from search import catalogue
from search.scope import Reach, Scope


@pytest.mark.django_db
def test_vectors_of_passages_that_are_gone_are_not_allowed():
    """Sources may outlive their last passage; then the mask over passages is empty."""
    nothing = np.zeros(0, np.bool_)
    seen = Scope(
        catalogue=catalogue.current(),
        mask=nothing,
        reach=Reach(mask=nothing, passages=0, mean_words=1.0, source_words=np.zeros(0)),
        max_passage_id=0,
        filters=[],
    )

    assert seen.allowed(np.array([5, 7])).tolist() == [False, False]
