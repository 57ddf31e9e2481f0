"""What a benchmark's run follows from: other prompts make another run."""

from gauger.lab.bench import Job, made_of
from gauger.lab.suites import SUITES
from gauger.settings import Settings


def test_a_run_follows_from_the_files_that_its_prompts_come_from(tmp_path):
    def told(folder):
        return made_of(Job(SUITES["smoke"].cells[0], 1, Settings(), folder))

    for name, text in (("one", "a"), ("other", "ab"), ("same", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "prompts.jsonl").write_text(text)
    assert told(tmp_path / "one") == told(tmp_path / "same")
    assert len({told(None), told(tmp_path / "one"), told(tmp_path / "other")}) == 3
