"""A/B studies in the browser: people compare methods of shrinking and restoring, after section 4.4 of the CAR paper."""

from twinscale.study.analysis import Share, TaskResult, analyse
from twinscale.study.answers import Answers
from twinscale.study.design import Question, Showing, Study
from twinscale.study.making import make_study
from twinscale.study.methods import Method

__all__ = ["Answers", "Method", "Question", "Share", "Showing", "Study", "TaskResult", "analyse", "make_study"]
