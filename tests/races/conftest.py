"""What the races report."""

from tests.races import figures

say = figures.teller("race")
pytest_terminal_summary = figures.summary("race")
