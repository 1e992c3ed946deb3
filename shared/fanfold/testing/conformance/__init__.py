"""The suite any engine must pass.

    class TestMyEngine(EngineConformance):
        @pytest.fixture
        def rig(self, tmp_path): ...   # yields a Rig

Each behaviour the steps rely on is tested once, here, for all engines.
"""

from fanfold.testing.conformance.batches import BatchesConformance
from fanfold.testing.conformance.blobs import BlobsConformance
from fanfold.testing.conformance.events import EventsConformance
from fanfold.testing.conformance.flows import FlowsConformance
from fanfold.testing.conformance.frontier import FrontierConformance
from fanfold.testing.conformance.leases import LeasesConformance
from fanfold.testing.conformance.letters import LettersConformance
from fanfold.testing.conformance.queue import QueueConformance
from fanfold.testing.conformance.rates import RatesConformance
from fanfold.testing.conformance.rig import Rig
from fanfold.testing.conformance.runs import RunsConformance


class EngineConformance(
    QueueConformance,
    BatchesConformance,
    RunsConformance,
    LeasesConformance,
    FrontierConformance,
    RatesConformance,
    LettersConformance,
    FlowsConformance,
    EventsConformance,
    BlobsConformance,
):
    """All of it."""


__all__ = ["EngineConformance", "Rig"]
