import re
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from search import analysis


def words(text: str) -> list[tuple[str, int]]:
    """The words of a text with their positions, from 0."""
    found = []
    at = 0
    for piece in analysis.pieces(text):
        compound = analysis.compound(piece.group())
        found += [(word, at + offset) for word, offset in compound.words]
        at += compound.width
    return found


def names(text: str) -> set[str]:
    """Every token of a text."""
    compounds = [analysis.compound(piece.group()) for piece in analysis.pieces(text)]
    return {word for word, _ in words(text)}.union(*(each.names for each in compounds))


def test_an_identifier_is_kept_whole_and_split():
    assert {"fetchrowsbyid", "fetch", "row", "id"} <= names("fetchRowsById")
    assert {"max_line_bytes", "max", "line", "byte"} <= names("MAX_LINE_BYTES")
    assert {"httpserver", "http", "server"} <= names("HTTPServer")


def test_an_identifier_of_any_alphabet_is_split():
    assert {"grosseandern", "gross", "andern"} <= names("größeÄndern")
    assert {"словострока", "слово", "строка"} <= names("словоСтрока")
    assert names("ΑΘΗΝΑ") == names("Αθηνα")


def test_a_path_is_found_by_itself_its_file_and_its_words():
    assert {
        "/".join(("sessions", "uploads.py")),
        "uploads.py",
        "upload",
        "py",
    } <= names("see sessions/uploads.py.")


def test_the_number_of_a_line_is_no_part_of_the_name_of_a_file():
    path = "/".join(("sessions", "uploads.py"))

    assert {path, "uploads.py", "176", "12"} <= names(f"{path}:176:12")
    assert names(f"{path}:176") == names(f"{path} 176")
    assert "127.0.0.1:8080" in names("127.0.0.1:8080")
    assert "12:30:45" in names("12:30:45")


def test_a_digit_ends_capitals():
    assert {"http2server", "http2", "server"} <= names("HTTP2Server")
    assert {"utf8", "byte"} <= names("getUTF8Bytes")


def test_dotted_names_and_paths_are_kept_whole():
    assert {"os.path.join", "os", "path", "join"} <= names("os.path.join(here)")
    assert {"user@example.com", "exampl"} <= names("<user@example.com>")
    assert "std::vec" in names("std::Vec<T>")
    assert "c:\\users\\me" in names(r"C:\Users\Me")


def test_prose_is_stemmed_and_stop_words_hold_their_place():
    assert words("running to the hills") == [("run", 0), ("hill", 3)]


def test_stop_words_and_stems_do_not_change_identifiers():
    assert {"is_a", "to_be_or_not", "running_jobs"} <= names(
        "is_a to_be_or_not running_jobs"
    )
    assert {"for_each", "each"} <= names("for_each")
    assert names("the a an") == set()


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
    found = names("x" * 5000 + " " + "a/" * 900)

    assert len(found) == 2
    assert all(len(token) <= analysis.TOKEN_CHARS for token in found)


def test_two_long_runs_with_one_beginning_stay_apart():
    assert names("y" * 100 + "1").isdisjoint(names("y" * 100 + "2"))


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_short_tokens_in_order(text):
    places = [piece.start() for piece in analysis.pieces(text)]

    assert places == sorted(places)
    assert all(0 < len(token) <= analysis.TOKEN_CHARS for token in names(text))


def hashes(text: str) -> list[int]:
    return [h for run in analysis.runs(text) for h in analysis.entry(run).hashes]


def surfaces(text: str) -> set[str]:
    return {
        surface
        for run in analysis.runs(text)
        for surface in analysis.entry(run).surfaces
    }


def test_an_entry_counts_every_token_of_its_run():
    counts = Counter(
        analysis.term_hash(token)
        for token in ["run-run", "run", "run", "the-run", "run"]
    )

    assert Counter(hashes("run-run, the-run; the.")) == counts


def test_words_and_identifiers_are_surfaces_and_paths_are_not():
    assert surfaces("Running MAX_LINE_BYTES in the sessions/uploads.py") == {
        *("running", "max_line_bytes", "max", "line", "bytes"),
        *("sessions", "uploads", "py"),
    }


@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "aB9",
                    "HTTPServer",
                    "a.py:1",
                    ":7",
                    "é",
                    "ΣΣ",
                    "日本",
                    "C++",
                    "C#",
                    "‹U+001B›[0m",
                ),
                *("/", ".", "-", ":", "@", "\\", "'", "’s", "_", "#", "+", "\u0301"),
                *(" ", "\n", "→", "—"),
            ]
        ),
        max_size=30,
    )
)
@example(["a.py:1", ".", "\\", "aB9"])
def test_runs_have_the_tokens_and_positions_of_the_text(pieces):
    text = "".join(pieces)
    entries = analysis.entries(analysis.runs(text))

    assert set(hashes(text)) == set(map(analysis.term_hash, names(text)))
    assert sum(width for _, width, _ in entries) == sum(
        analysis.compound(piece.group()).width for piece in analysis.pieces(text)
    )


def test_the_hash_of_a_token_is_the_same_for_ever():
    assert analysis.term_hash("upload") == 0xBC4508C4A9
    assert analysis.term_hash("日本") == 0x180A3076A3
    assert analysis.term_hash("\ud800") < 1 << 40


def test_a_name_in_lower_case_is_found_by_the_name_as_written():
    assert names("fetchRows") & names("fetchrows")


def test_what_a_stop_word_contains_is_not_listed():
    assert analysis.is_listed("thei") is False
    assert analysis.is_listed("ith") is False
    assert analysis.is_listed("withi") is True
    assert analysis.is_listed("___") is False


@given(st.text(st.sampled_from("aB9é_ßΣ/.-:@' \nthe"), max_size=300), st.data())
def test_a_fragment_of_a_word_is_in_a_surface_of_its_run(text, data):
    for run in analysis.runs(text):
        found = analysis.entry(run).surfaces
        for word in re.findall(r"\w+", run):
            start = data.draw(st.integers(0, len(word) - 1))
            end = data.draw(st.integers(start + 1, len(word)))
            fragment = analysis.fold(word[start:end])
            if analysis.is_listed(fragment):
                assert any(fragment in surface for surface in found)


@given(st.text(st.characters(exclude_categories=())))
def test_every_surface_leads_to_a_token_of_its_run(text):
    for run in analysis.runs(text):
        entry = analysis.entry(run)

        assert {analysis.term_hash(analysis.term_of(s)) for s in entry.surfaces} <= set(
            entry.hashes
        )
        assert all(
            0 < len(s) <= analysis.SURFACE_CHARS
            and len(analysis.term_of(s)) <= analysis.TOKEN_CHARS
            for s in entry.surfaces
        )
