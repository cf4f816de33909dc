"""Fuzzes every target in turn; what it finds is one file each in ``build/fuzz``, and the exit code 1.

A finding is a crash, any exception but an error of twinscale's own, more than 10 seconds, or more than 2 GB (of which a
foreign network may have any amount). Each child stops at its first one, so another goes on.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

NAMES = ("pictures", "metadata", "tags", "cards", "networks", "recipes")
_LONGEST = 10  # seconds for one input
_MOST_FINDINGS = 20  # of a target; there is enough to mend then
_PROGRESS = re.compile(r"#\d+\s|INFO:|WARNING:|stat::")
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@click.command()
@click.argument("names", metavar="[TARGET]...", nargs=-1, type=click.Choice(NAMES))
@click.option("--seconds", default=60, show_default=True, help="For all targets together.")
def main(names: tuple[str, ...], seconds: int) -> None:
    """Fuzz the targets, by default all."""
    from tests.fuzz.targets import TARGETS  # only here, so that --help is quick

    names = names or NAMES
    total = 0
    for name in names:
        target, found = TARGETS[name], Path("build/fuzz") / name
        found.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            corpus, words = Path(folder, "corpus"), Path(folder, "words")
            corpus.mkdir()
            for number, seed in enumerate(target.seeds()):
                (corpus / f"seed-{number}").write_bytes(seed)
            words.write_text("".join(f'"{_escaped(word)}"\n' for word in ("0", *target.words)))  # it may not be empty
            runs, findings = _fuzz(name, seconds / len(names), corpus, words, found)
        total += findings
        click.echo(f"{name}: {runs} runs, {findings} findings{f' in {found}' if findings else ''}")
    sys.exit(1 if total else 0)


def _fuzz(name: str, seconds: float, corpus: Path, words: Path, found: Path) -> tuple[int, int]:
    """Run children until the time is over; return the numbers of inputs and of findings."""
    runs = findings = 0
    end = time.monotonic() + seconds
    while (left := round(end - time.monotonic())) > 0 and findings < _MOST_FINDINGS:
        options = (
            *(f"-max_total_time={left}", f"-timeout={_LONGEST}", "-rss_limit_mb=0", "-print_final_stats=1"),
            *(f"-dict={words}", f"-artifact_prefix={found}/", str(corpus)),
        )
        child = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.child", name, *options], capture_output=True, errors="replace"
        )
        runs += sum(map(int, _RUNS.findall(child.stderr)))
        if child.returncode:
            findings += 1
            (found / f"{findings}.log").write_text(child.stdout + child.stderr)
            click.echo("\n".join(line for line in child.stderr.splitlines() if not _PROGRESS.match(line)))
    return runs, findings


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    main()
