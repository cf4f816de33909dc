"""A/B studies in the browser: people compare methods of shrinking and restoring, after section 4.4 of the CAR paper."""

from twinscale.study.analysis import Share, TaskResult, analyse
from twinscale.study.answers import Answers
from twinscale.study.design import Question, Showing, Study

__all__ = ["Answers", "Question", "Share", "Showing", "Study", "TaskResult", "analyse"]
