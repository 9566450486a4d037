"""What breaks a graph off is told as it was raised, from whatever depth of Ray it comes."""

import pyarrow as pa
import pytest
import ray

from apigen_ray.errors import EnvironmentFault
from apigen_ray.graph.failure import explained


@pytest.mark.ray
@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (EnvironmentFault("d: cannot be written (no space)", "make room"), "d: cannot be written (no space)"),
        (OSError(28, "No space left on device", "/d"), "no space is left on the disk of runs/a"),
        (ValueError("of ours"), "the run broke off: ValueError: of ours"),
    ],
)
def test_the_cause_comes_out_of_a_task(ray_session: None, raised: Exception, told: str) -> None:
    def broken(table: pa.Table) -> pa.Table:
        raise raised

    with pytest.raises(Exception, match=r".") as caught:
        ray.data.range(2).map_batches(broken, batch_format="pyarrow").materialize()
    assert explained(caught.value, "runs/a").message == told
