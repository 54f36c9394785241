from hypothesis import given
from hypothesis import strategies as st

from search import analysis


def names(text: str) -> set[str]:
    return {token.text for token in analysis.tokens(text)}


def test_an_identifier_is_kept_whole_and_split():
    assert {"fetchrowsbyid", "fetch", "row", "id"} <= names("fetchRowsById")
    assert {"max_line_bytes", "max", "line", "byte"} <= names("MAX_LINE_BYTES")
    assert {"httpserver", "http", "server"} <= names("HTTPServer")


def test_a_path_is_found_by_itself_its_file_and_its_words():
    assert {
        "/".join(("sessions", "uploads.py")),
        "uploads.py",
        "upload",
        "py",
    } <= names("see sessions/uploads.py.")


def test_prose_is_stemmed_and_stop_words_hold_their_place():
    found = {
        token.text: token.position for token in analysis.tokens("running to the hills")
    }

    assert found == {"run": 1, "hill": 4}


def test_case_width_and_accents_do_not_matter():
    assert names("Café ＡＢＣ ﬁne") == names("cafe abc fine")


def test_scripts_without_spaces_give_pairs():
    assert {"日本", "本語"} <= names("日本語")
    assert "python" in names("Python言語")


def test_symbols_in_names_of_languages_count():
    assert "c++" in names("written in C++ (not C)")
    assert "c#" in names("C# code")


def test_an_escape_sequence_that_masking_spelled_out_is_no_word():
    assert names("‹U+001B›[31mError‹U+001B›[0m") == {"error"}


def test_a_token_is_bounded_however_long_the_run():
    for token in analysis.tokens("x" * 5000 + " " + "a/" * 900):
        assert len(token.text) <= analysis.TOKEN_CHARS


def test_two_long_runs_with_one_beginning_stay_apart():
    assert names("y" * 100 + "1").isdisjoint(names("y" * 100 + "2"))


@given(st.text())
def test_any_text_has_tokens_in_order_and_the_same_twice(text):
    found = list(analysis.tokens(text))

    assert found == list(analysis.tokens(text))
    assert all(
        token.text and len(token.text) <= analysis.TOKEN_CHARS for token in found
    )
    starts = [token.start for token in found]
    assert starts == sorted(starts)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_gives_a_vector_that_the_database_reads(vector_of, text):
    words, _ = analysis.vector(text)

    assert set(vector_of(words)) == {token.text for token in analysis.tokens(text)}
