"""What a submission lacks of its board: seeds and tasks that others have."""

from __future__ import annotations

from pathlib import Path

from distbench.submission.board_gap import board_gap


def test_what_others_have_is_said_with_the_command(parts, tmp_path):
    board = tmp_path / "board"
    board.mkdir()
    own = parts.write(tmp_path / "own.distbench.zip")
    assert board_gap(own, board) == []
    assert board_gap(own, tmp_path / "nowhere") == []
    (board / "torn.distbench.zip").write_bytes(b"no zip")
    one = dict(parts.manifest["tasks"][0])
    parts.manifest |= {"name": "other", "seeds": [0, 1, 2, 3]}
    parts.write(board / "other.distbench.zip")
    (gap,) = board_gap(own, board)
    assert gap.startswith(
        "the board of toy_suite has 4 seeds, this has 2; its methods are compared over"
    )
    assert gap.endswith("with the same options and --seeds 4 adds the rest")
    parts.manifest["tasks"].append({**one, "id": "more"})
    parts.write(board / "other.distbench.zip")
    assert board_gap(own, board)[0] == (
        "the board of toy_suite has more too; without it a method is partial and has no rank"
    )
    parts.manifest["suite_version"] += 1
    parts.write(board / "other.distbench.zip")
    assert board_gap(own, Path(board)) == []
