"""What of a folder is handed in: as Git ignores it, without secrets, within limits."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.bundles import packing
from graders.bundles.ignoring import walk
from graders.bundles.packing import pack
from graders.errors import SubmissionError, UsageError
from graders.state import content_hash

ROOT = Path(__file__).parents[2]
Tree = Callable[[Mapping[str, str]], Path]


def plant(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make a folder of files."""
    return lambda files: plant(tmp_path / "work", files)


def kept(folder: Path) -> list[str]:
    return [str(one.path) for one in walk(folder) if not one.left_out_by]


def refusal(folder: Path) -> SubmissionError:
    with pytest.raises(SubmissionError) as refused:
        pack(folder)
    return refused.value


class TestIgnoring:
    def test_a_gitignore_speaks_of_its_folder_and_those_below(self, tree: Tree) -> None:
        folder = tree(
            {
                ".gitignore": "*.log\n/data/\n",
                "app.py": "",
                "a.log": "",
                "data/rows.csv": "",
                "src/data/kept.csv": "",
                "src/.gitignore": "!b.log\nbuild\n",
                "src/b.log": "",
                "src/c.log": "",
                "src/build/out": "",
                "build/out": "",
            }
        )
        assert kept(folder) == [
            *(".gitignore", "app.py", "build/out", "src/.gitignore", "src/b.log"),
            "src/data/kept.csv",
        ]

    def test_a_list_of_what_alone_is_wanted_reaches_into_folders(self, tree: Tree) -> None:
        files = {".gitignore": "*\n!*/\n!*.py\n", "a.py": "", "b.txt": "", "c/d.py": "", "c/e": ""}
        assert kept(tree(files)) == ["a.py", "c/d.py"]

    def test_what_lies_in_an_ignored_folder_can_not_come_back(self, tree: Tree) -> None:
        files = {".gitignore": "build/\n!build/keep\n", "build/keep": "", "build/.gitignore": "!*"}
        assert kept(tree(files)) == [".gitignore"]

    def test_what_no_grade_looks_at_is_never_packed(self, tree: Tree) -> None:
        names = (".git/config", ".venv/bin/x", "src/__pycache__/a.pyc", ".DS_Store", "a.py")
        folder = tree(dict.fromkeys(names, ""))
        assert kept(folder) == ["a.py"]
        left_out = {str(one.path): one.left_out_by for one in pack(folder).left_out}
        assert left_out == dict.fromkeys(
            (".DS_Store", ".git", ".venv", "src/__pycache__"), "the kit"
        )

    def test_a_gitignore_above_the_folder_does_not_count(self, tree: Tree, tmp_path: Path) -> None:
        (tmp_path / ".gitignore").write_text("*\n")
        assert kept(tree({"app.py": ""})) == ["app.py"]


PATHS = ["a", "b.py", "x/a", "x/b.py", "x/y/a", "x/y/b.py", "y/a", "y/x/c.log", "c.log", "x/c.log"]
PATTERNS = st.sampled_from(
    [
        *("a", "/a", "x", "x/", "/x", "/x/", "*.py", "*.log", "x/*", "/x/*", "x/y", "x/**", "**/y"),
        *(
            "**/a",
            "x/**/a",
            "*",
            "*/",
            "/*",
            "?",
            "[ab]*",
            "y/",
            "# a",
            "",
            "\\#a",
            "b.py ",
            "x/y/",
        ),
    ]
)
LINES = st.lists(st.tuples(st.booleans(), PATTERNS), max_size=4)


def gitignore(lines: list[tuple[bool, str]]) -> str:
    return "".join(f"{'!' * negated}{pattern}\n" for negated, pattern in lines)


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line of Git in a repository of its own."""
    if not shutil.which("git"):
        pytest.skip("no git to compare with")
    folder = tmp_path_factory.mktemp("git")
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    return git


@given(outer=LINES, inner=LINES)
@settings(max_examples=80)
def test_a_folder_is_packed_as_git_would_add_it(
    git: list[str], outer: list[tuple[bool, str]], inner: list[tuple[bool, str]]
) -> None:
    folder = plant(Path(git[-1]), dict.fromkeys(PATHS, ""))
    plant(folder, {".gitignore": gitignore(outer), "x/.gitignore": gitignore(inner)})
    listed = [*git, "ls-files", "--others", "--exclude-per-directory=.gitignore", "-z"]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    assert kept(folder) == sorted(found.split("\0")[:-1], key=lambda one: one.split("/"))


# Put together here, so that nobody who looks for secrets finds these.
TOKENS = {
    "an AWS access key (AKIAABCD…)": "AKIA" + "ABCDEFGH" * 2,
    "a GitHub token (ghp_abcd…)": "ghp_" + "abcdefghi" * 4,
    "a GitHub token (github_p…)": "github_pat_" + "a1B2_c3" * 12,
    "a GitLab token (glpat-ab…)": "glpat-" + "abcde" * 4,
    "a Slack token (xoxb-123…)": "xoxb-" + "1234567890-abc",
    "a Stripe key (sk_live_…)": "sk_live_" + "abcd" * 6,
    "a Google API key (AIzaabcd…)": "AIza" + "abcde" * 7,
    "an npm token (npm_abcd…)": "npm_" + "abcdefghi" * 4,
    "a private key (-----BEG…)": "-----BEGIN " + "PRIVATE KEY-----",
    "a private key (-----BEGI": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
}


class TestSecrets:
    @pytest.mark.parametrize(("what", "token"), TOKENS.items(), ids=range(len(TOKENS)))
    def test_a_token_is_refused_with_its_line_and_not_repeated(
        self, tree: Tree, what: str, token: str
    ) -> None:
        error = refusal(tree({"src/app.py": f"import os\n\nKEY = '{token}'\n"}))
        assert len(error.log) == 1
        assert error.log[0].startswith(f"src/app.py:3: {what[:20]}")
        assert token not in f"{error.problem}{error.log}{error.next_step}"
        assert ".gitignore" in error.next_step

    @pytest.mark.parametrize(
        "name", [".env", ".env.production", "keys/id_ed25519", "store.P12", ".netrc", "x/.pgpass"]
    )
    def test_a_file_of_secrets_is_refused_by_its_name(self, tree: Tree, name: str) -> None:
        assert refusal(tree({name: "PASSWORD=x"})).log[0].startswith(f"{name}: ")

    def test_every_secret_is_named_at_once(self, tree: Tree) -> None:
        token = TOKENS_OF_AWS
        error = refusal(tree({"a.py": f"{token}\n{token}", "b.py": token, ".env": ""}))
        assert "4 secrets" in error.problem
        found = [one.split(" ")[0] for one in error.log]
        assert found == [".env:", "a.py:1:", "a.py:2:", "b.py:1:"]

    def test_an_example_hides_no_secret_on_its_line(self, tree: Tree) -> None:
        keys = ["AKIAIOSFODNN7EXAMPLE", TOKENS_OF_AWS, "AKIAI44QH8DHBEXAMPLE"]
        error = refusal(tree({"app.py": f"KEYS = {keys}"}))
        assert error.log == ("app.py:1: an AWS access key (AKIAABCD…)",)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            (".env.example", "PASSWORD=change-me"),
            ("id_ed25519.pub", "ssh-ed25519 AAAA"),
            ("app.py", "KEY = 'AKIAIOSFODNN7EXAMPLE'"),
            ("app.py", "KEYS = ['AKIAIOSFODNN7EXAMPLE', 'AKIAI44QH8DHBEXAMPLE']"),
            ("app.py", "-----BEGIN PUBLIC KEY-----"),
            ("app.py", "-----BEGIN " + "PRIVATE KEY-----  # gitleaks:allow, it is made up"),
            ("task.py", "task_sk_liver = 'risk_live_abc'"),
        ],
    )
    def test_what_is_no_secret_is_packed(self, tree: Tree, name: str, text: str) -> None:
        assert list(pack(tree({name: text})).files) == [name]

    def test_a_secret_that_gitignore_names_is_left_out(self, tree: Tree) -> None:
        folder = tree({".gitignore": ".env\n", ".env": "PASSWORD=x", "app.py": ""})
        assert list(pack(folder).files) == [".gitignore", "app.py"]


TOKENS_OF_AWS = next(iter(TOKENS.values()))


class TestLimits:
    def test_a_large_file_is_refused_with_what_to_do(
        self, tree: Tree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(packing, "LIMIT_FILE_BYTES", 3)
        folder = tree({"a.bin": "1234"})
        error = refusal(folder)
        assert f"{folder.name}/a.bin has 0.0 MiB" in error.problem
        assert f"Name a.bin in {folder / '.gitignore'}" in error.next_step

    def test_too_many_files_are_refused(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(packing, "LIMIT_FILES", 2)
        error = refusal(tree(dict.fromkeys("abc", "")))
        assert "has 3 files to hand in; a submission may have 2" in error.problem

    def test_too_much_together_is_refused_and_the_largest_named(
        self, tree: Tree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(packing, "LIMIT_TOTAL_BYTES", 5)
        error = refusal(tree({"a": "123", "b": "1234", "c": "1"}))
        assert [line.split()[-1] for line in error.log] == ["b", "a", "c"]

    def test_links_are_refused(self, tree: Tree) -> None:
        folder = tree({"app.py": ""})
        (folder / "link.py").symlink_to("app.py")
        assert "link.py is a symbolic link" in refusal(folder).problem

    def test_an_empty_folder_and_none_at_all_are_told_apart(self, tmp_path: Path) -> None:
        assert "is left to hand in" in refusal(tmp_path).problem
        with pytest.raises(UsageError, match="There is no folder"):
            pack(tmp_path / "nowhere")

    @pytest.mark.parametrize("name", ["a\nb", "a\\b", "\udcff"])
    def test_a_name_that_is_none_elsewhere_is_refused(self, tree: Tree, name: str) -> None:
        assert "Rename" in refusal(tree({name: ""})).next_step


def test_what_is_packed_has_the_hash_a_grade_of_the_folder_has(tree: Tree) -> None:
    folder = tree({"only/one.sql": "SELECT 1", "only/b/two.sql": "SELECT 2"})
    (folder / "only/one.sql").chmod(0o755)
    found = pack(folder)
    assert found.content_hash == content_hash(folder)
    assert found.files["only/one.sql"].executable
    assert not found.files["only/b/two.sql"].executable


SUBMISSIONS = [
    folder
    for where in ("labs", "templates")
    for lab in sorted((ROOT / where).glob("*/lab.toml"))
    for folder in (lab.parent / "starter", *sorted((lab.parent / "solutions").iterdir()))
    if folder.is_dir()
]


@pytest.mark.parametrize("folder", SUBMISSIONS, ids=lambda one: str(one.relative_to(ROOT)))
def test_every_starter_and_solution_can_be_handed_in(folder: Path) -> None:
    assert pack(folder).files
