"""Without scipy, which would slow down each start: diffusers imports it if it is installed."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import betaincinv

from adapters.diffusion.sampling.spacing import _beta_quantiles
from tests.paths import ROOT

pytestmark = pytest.mark.torch

# None in sys.modules tells Python that there is no such module.
DRAWS_ALL = """
import sys
sys.modules["scipy"] = None
from adapters.diffusion.loading.folder_index import _component_class
from adapters.diffusion.sampling import new_scheduler
from domain.samplers import Scheduler
from tests.contract.samplers.known_networks import STABLE_DIFFUSION, configuration, drawn, gaussian
from diffusers.utils import is_scipy_available

assert not is_scipy_available()
for name in (None, *Scheduler):
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
    assert drawn(scheduler, 4, STABLE_DIFFUSION, gaussian(0.7, 0.5), side=4).isfinite().all(), name
print(_component_class("scheduler", ["diffusers", "LMSDiscreteScheduler"]).__name__)
"""


def test_every_scheduler_draws_and_a_folder_of_lms_is_read() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRAWS_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["LMSDiscreteScheduler"], done.stderr


@pytest.mark.parametrize("steps", [1, 2, 3, 20, 151])
def test_quantiles_of_the_beta_distribution_equal_those_of_scipy(steps: int) -> None:
    shares = 1 - np.linspace(0, 1, steps)
    assert np.abs(_beta_quantiles(shares) - betaincinv(0.6, 0.6, shares)).max() < 1e-14
