from search import analysis, duplicates

LONG = (
    "the deployment of the billing service failed because its disk was full again so "
    "we moved old reports to cold storage and started another attempt on"
)


def first_alike(*texts, asked="deployment"):
    terms = {analysis.term_hash(analysis.term_of(word)) for word in asked.split()}
    return duplicates.first_alike(texts, asked=terms)


def test_texts_with_nearly_the_same_words_are_one():
    assert first_alike(f"{LONG} monday", f"{LONG} tuesday", "something else") == [
        0,
        0,
        2,
    ]


def test_texts_that_differ_in_what_was_asked_for_are_two():
    assert first_alike(f"{LONG} monday", f"{LONG} tuesday", asked="tuesday") == [0, 1]


def test_short_texts_are_only_alike_when_equal_elsewhere():
    assert first_alike("the disk is full", "the disk was full") == [0, 1]


def test_a_third_is_compared_with_the_first_only():
    far = LONG.replace("billing", "search").replace("disk", "heap")
    assert first_alike(LONG, far, LONG + " friday") == [0, 1, 0]
