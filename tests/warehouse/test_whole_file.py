"""Files that are there whole or not at all."""

from pathlib import Path

import pytest

from warehouse.whole_file import whole_file


@pytest.mark.parametrize("synced", [False, True])
def test_a_file_has_its_old_content_until_the_new_one_is_complete(tmp_path: Path, synced: bool) -> None:
    target = tmp_path / "state.json"
    target.write_text("old")
    with whole_file(target, synced=synced) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("state.json", "new")]


def test_a_write_that_breaks_off_leaves_what_stood_there_and_the_next_one_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(target) as part:
        part.write_text("ne")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    with whole_file(target) as part:
        part.write_text("new")
    assert target.read_text() == "new"
