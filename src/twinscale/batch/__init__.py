"""Many pictures: which output belongs to which input, and the work on all of them, here or on a cluster.

>>> from twinscale.batch import Upscale, plan, run
>>> work = Upscale(scale=2)
>>> for outcome in run(plan(["photographs"], work, output="larger/"), work):  # doctest: +SKIP
...     print(outcome.job.source, outcome.status, outcome.error or outcome.size)
"""

from twinscale.batch.plan import Job, plan
from twinscale.batch.run import rehearse, run
from twinscale.batch.task import Outcome
from twinscale.batch.work import Downscale, Pack, Repair, Restore, Shrink, Upscale, Work
from twinscale.batch.writing import Writing

__all__ = [
    "Downscale",
    "Job",
    "Outcome",
    "Pack",
    "Repair",
    "Restore",
    "Shrink",
    "Upscale",
    "Work",
    "Writing",
    "plan",
    "rehearse",
    "run",
]
