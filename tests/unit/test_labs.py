"""Finding labs, and the learner's copy of a starter."""

from pathlib import Path

import pytest

from graders import labs
from graders.errors import MachineError, UsageError


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a kit with the labs `clock` and `guest_book`."""
    for name in ("guest_book", "clock"):
        (tmp_path / "labs" / name / "starter").mkdir(parents=True)
        (tmp_path / "labs" / name / "lab.toml").write_text("")
        (tmp_path / "labs" / name / "starter" / "app.py").write_text("print('hello')")
    (tmp_path / "labs" / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("kit")
class TestFinding:
    def test_every_folder_with_a_manifest_is_a_lab(self) -> None:
        assert [lab.name for lab in labs.all_labs()] == ["clock", "guest_book"]

    @pytest.mark.parametrize("name", ["clock", "labs/clock", "labs/clock/"])
    def test_a_lab_is_found_by_name_and_by_folder(self, name: str) -> None:
        assert labs.find_lab(name) == Path("labs/clock")

    def test_a_misspelt_lab_is_guessed(self) -> None:
        with pytest.raises(UsageError, match=r"no lab 'clokc'; did you mean 'clock'\?") as caught:
            labs.find_lab("clokc")
        assert "clock, guest_book" in caught.value.next_step

    def test_a_folder_without_a_manifest_is_no_lab(self) -> None:
        with pytest.raises(UsageError, match="no lab 'notes'"):
            labs.find_lab("notes")


def test_outside_of_the_kit_the_message_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no folder `labs`") as caught:
        labs.find_lab("clock")
    assert "kit's own folder" in caught.value.next_step


class TestStarting:
    def test_copies_the_starter(self, kit: Path) -> None:
        (kit / "labs/clock/starter/__pycache__").mkdir()
        assert labs.start_submission(Path("labs/clock"))
        assert [path.name for path in (kit / "submissions/clock").iterdir()] == ["app.py"]
        assert [path.name for path in (kit / "submissions").iterdir()] == ["clock"]

    def test_never_touches_work_that_is_there(self, kit: Path) -> None:
        labs.start_submission(Path("labs/clock"))
        mine = kit / "submissions/clock/app.py"
        mine.write_text("my work")
        assert not labs.start_submission(Path("labs/clock"))
        assert mine.read_text() == "my work"

    def test_takes_an_empty_folder_for_work_too(self, kit: Path) -> None:
        (kit / "submissions/clock").mkdir(parents=True)
        assert not labs.start_submission(Path("labs/clock"))
        assert not list((kit / "submissions/clock").iterdir())

    def test_that_was_cut_off_leaves_nothing_and_can_be_repeated(
        self, kit: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def torn(source: Path, target: Path, **_: object) -> None:
            target.mkdir()
            (target / "half").write_text("")
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("shutil.copytree", torn)
            with pytest.raises(MachineError, match="No space left on device"):
                labs.start_submission(Path("labs/clock"))
        assert not (kit / "submissions/clock").exists()
        assert labs.start_submission(Path("labs/clock"))
        assert [path.name for path in (kit / "submissions/clock").iterdir()] == ["app.py"]

    def test_in_a_place_that_cannot_hold_it_is_the_machines_fault(self, kit: Path) -> None:
        (kit / "submissions").write_text("in the way")
        with pytest.raises(MachineError) as caught:
            labs.start_submission(Path("labs/clock"))
        assert "submissions/clock" in caught.value.problem
        assert "writable" in caught.value.next_step
