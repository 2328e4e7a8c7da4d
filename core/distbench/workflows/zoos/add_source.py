"""A model of one's own joins a zoo: what has to be said of its file, and a trial of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from distbench.errors import UsageError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.zoo import Question, Source, SourceInfo, Zoo
from distbench.plugins.registry import Registry

_TAKES_FILES = "local"
"""The zoo that is a folder of files."""
_IMAGES = 8

Ask = Callable[[Question, str], str]
"""Asks a person; the text says what was wrong with the answer before, if one was."""


def folder_zoo(names: Registry, folder: Path) -> Zoo:
    """The zoo in a folder, which need not be there yet.

    Raises:
        UsageError: The folder is written as a zoo is named elsewhere.
    """
    prefix = f"{_TAKES_FILES}:path="
    if str(folder).startswith(prefix):
        raise UsageError(f"--zoo takes the folder alone: {str(folder).removeprefix(prefix)}")
    return names.make("zoo", {"use": _TAKES_FILES, "path": str(folder)})


def add_source(zoo: Zoo, file: Path, facts: Mapping[str, Any], ask: Ask | None) -> SourceInfo:
    """Adds a file of weights to a zoo.

    Args:
        zoo: The zoo.
        file: The weights.
        facts: What is known of them, as it was typed.
        ask: Asks a person for what is not; None where nobody is there.

    Raises:
        UsageError: Something is not known and nobody is there; all of it is named.
        WeightsError: The file cannot be read, or does not work.
    """
    known = dict(facts)
    while questions := _questions(zoo, file, known):
        if ask is None:
            raise UsageError(_missing(file, questions))
        known[questions[0].fact] = _answer(zoo, file, known, questions[0], ask)
    with naming(zoo.name, "add"):
        return instance(zoo.name, "add", zoo.add(file, known, check_source_alone), SourceInfo)


def check_source_alone(source: Source) -> None:
    """Runs a source on drawn images.

    Raises:
        WeightsError: Its weights are not those declared, or what it gives will not do.
    """
    import torch

    from distbench.engine.stages.embed import normalise
    from distbench.engine.stages.source_checks import check_source, checked_outputs

    source.verify()
    info = source.info
    draw = torch.Generator().manual_seed(0)
    pixels = torch.rand(_IMAGES, 3, info.input_size, info.input_size, generator=draw)
    images = normalise(pixels, info.mean, info.std)
    with torch.inference_mode():
        forward = source.open(torch.device("cpu"))
        check_source(info, forward, images, checked_outputs(info, forward, images))


def _questions(zoo: Zoo, file: Path, facts: Mapping[str, Any]) -> Sequence[Question]:
    with naming(zoo.name, "questions"):
        return [
            instance(zoo.name, "questions", question, Question)
            for question in zoo.questions(file, facts)
        ]


def _answer(zoo: Zoo, file: Path, facts: Mapping[str, Any], question: Question, ask: Ask) -> str:
    """An answer that will do; until then it is asked for again, with what was wrong."""
    wrong = ""
    while True:
        answer = ask(question, wrong)
        try:
            still = _questions(zoo, file, {**facts, question.fact: answer})
        except UsageError as error:
            wrong = str(error)
            continue
        if all(one.fact != question.fact for one in still):
            return answer
        wrong = "nothing can be read off that answer"


def _missing(file: Path, questions: Sequence[Question]) -> str:
    lines = [
        f"  --{one.fact.replace('_', '-')}  {one.text}"
        + (f" (likely {one.suggestion})" if one.suggestion else "")
        for one in questions
    ]
    return f"{file} does not tell all that has to be known of it. Give\n" + "\n".join(lines)
