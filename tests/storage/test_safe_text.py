"""Foreign text: what steers is spelt out, secrets go, spreadsheets compute nothing."""

from __future__ import annotations

import csv
import io
import json
import random
import string
import unicodedata

import pytest

from distbench.leaderboard.tables.text_table import csv_text
from distbench.storage.safe_text import (
    csv_cell,
    harmless_text,
    plain,
    plain_json,
    plain_line,
    without_secrets,
)

STEERS = ["\x00", "\x1b", "\x07", "\r", "\x7f", "\x9b", "\u061c", "\u200b", "\u200f", "\u2028"]
STEERS += ["\u202e", "\u2066", "\u2069", "\ufeff", "\ud800", "\ue000", "\U000e0041", "\u00ad"]

COMPUTED = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff20")


def some_texts() -> list[str]:
    draw = random.Random(5)
    letters = [*STEERS, *"=+-@;,\"'\t\n |a1é漢ش", "👍"]
    return ["".join(draw.choices(letters, k=draw.randrange(12))) for _ in range(500)]


@pytest.mark.parametrize("character", STEERS)
def test_what_steers_is_spelt_out(character: str) -> None:
    code = f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
    assert plain(f"a{character}b") == f"a{code}b"
    assert plain(f"a{character}b", keep=character) == f"a{character}b"


def test_plain_text_of_any_script_stays() -> None:
    joined = ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "👩\u200d🔬")
    for text in ("ordinary", "naïve café", "漢字", "שלום", *joined, "±2 %"):
        assert plain(text) == harmless_text(text) == plain_line(text) == text


def test_no_text_steers() -> None:
    for text in some_texts():
        shown = plain_line(text)
        assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl") for c in shown)
        assert plain(shown) == shown
        kept = harmless_text(text)
        assert plain(kept, keep="\n\t") == kept
        assert kept.count("\n") == text.count("\n")


def test_json_means_what_it_meant() -> None:
    for text in some_texts():
        for indent in (None, 1):
            value = {text: [text, 1.5, None]}
            written = plain_json(json.dumps(value, ensure_ascii=False, indent=indent))
            assert json.loads(written) == value
            assert plain(written, keep="\n") == written


@pytest.mark.parametrize("start", COMPUTED)
@pytest.mark.parametrize("rest", ["1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x")', "", "1e5x"])
def test_a_spreadsheet_computes_no_text(start: str, rest: str) -> None:
    for cell in (start + rest, f" {start}{rest}", f"\u202e{start}{rest}", f"\n{start}{rest}"):
        (back,) = next(csv.reader(io.StringIO(csv_text([[cell]]))))
        assert not back.lstrip().startswith(COMPUTED), cell
    (back,) = next(csv.reader(io.StringIO(csv_text([[f"a; {start}{rest}"]]))))
    assert not back.partition(";")[2].strip().startswith(COMPUTED)


@pytest.mark.parametrize("number", ["-1.5", "+2", "-.5", "1e-9", "-1E+5", "inf", "-inf", "nan"])
def test_numbers_stay_numbers(number: str) -> None:
    assert csv_cell(number) == number
    assert csv_cell(float(number)) is not None
    assert csv_text([[-1.5, None, -3]]) == "-1.5,,-3\n"


def test_ordinary_names_stay_as_they_are_in_csv() -> None:
    for name in ("pseudo_labels/weighted:power=9/logme", "dir/a-b.jpg", "a=b", "x@y", "o'neill"):
        assert csv_cell(name) == name


LETTERS = string.ascii_letters + string.digits


def token(length: int) -> str:
    draw = random.Random(length)
    return "".join(draw.choices(LETTERS, k=length - 2)) + "7Q"


SECRETS = [
    f"hf_{token(34)}",
    f"hf_{token(10)}",
    "hf_" + "a" * 34,
    f"ghp_{token(36)}",
    f"gho_{token(36)}",
    f"github_pat_{token(22)}_{token(50)}",
    f"glpat-{token(20)}",
    f"sk-{token(48)}",
    f"sk-proj-{token(40)}_{token(10)}-x",
    f"sk-svcacct-Ab_cd-{token(40)}",
    f"sk-ant-api03-{token(40)}",
    f"xoxb-{token(30)}",
    "AKIA" + token(16).upper(),
    "ASIA" + token(16).upper(),
    f"AIza{token(35)}",
    f"eyJ{token(30)}.{token(30)}.{token(20)}",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_tokens_are_taken_out_wherever_they_stand(secret: str) -> None:
    for text in ("{}", "no access with {}.", "TOKEN={}", "'{}'", "a/{}/b", "x_{}", "({})", "{}\nb"):
        assert secret not in without_secrets(text.format(secret)), text
        assert "***" in without_secrets(text.format(secret))


def test_addresses_lose_their_credentials() -> None:
    assert without_secrets("cannot open https://ann:p%40ss@host:8/x?a=1") == (
        "cannot open https://***@host:8/x?a=1"
    )
    assert without_secrets("postgresql://u:p@h/db") == "postgresql://***@h/db"
    assert without_secrets("http://h/x?access_token=abc&page=2") == (
        "http://h/x?access_token=***&page=2"
    )
    assert without_secrets("https://b/x?X-Amz-Signature=0af&z=1") == (
        "https://b/x?X-Amz-Signature=***&z=1"
    )
    assert without_secrets(f"Authorization: Bearer {token(30)}") == "Authorization: Bearer ***"


def test_what_is_called_a_secret_is_one() -> None:
    for text in ("password=hunter2x", '"api_key": "a1b2c3d4"', "aws_secret_access_key = abc/def+g"):
        hidden = without_secrets(f"{text} next")
        assert hidden.endswith("***" + '"' * text.endswith('"') + " next")
        assert not any(secret in hidden for secret in ("hunter2x", "a1b2", "def+g"))


def test_private_keys_are_taken_out() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----"
    assert "MIIabc" not in without_secrets(f"wrong: {key} end")


def test_secrets_of_the_environment_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "tops3cret")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "finetune")
    assert without_secrets("k=tops3cret, finetune") == "k=***, finetune"


def test_words_that_look_a_little_like_tokens_stay() -> None:
    for text in (
        "hf_hub_download failed in hf_transfer",
        "task-oriented, disk-bound, sk-learn-estimators, skresnet50, ask-me",
        "timm:mobilenetv3_small_100.lamb_in1k",
        "https://huggingface.co/datasets/org/name@main",
        "pseudo_labels/weighted:power=9/logme on mini-cub: a token is missing",
    ):
        assert without_secrets(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ-",
        "hf_",
        "://",
        "?a",
        "&token",
        "sk-a1-",
        "bearer ",
        "-----BEGIN ",
        "A",
        "; ",
        "glpat-",
        "\u202e",
    ],
)
def test_hostile_text_of_any_length_ends(piece: str) -> None:
    """Whatever repeats: nothing here takes more than steps in proportion to the length."""
    text = piece * 50_000
    assert len(harmless_text(text)) > 0
    assert csv_cell(text)
