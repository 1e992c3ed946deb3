"""An in-memory stand-in for the Firestore and Pub/Sub calls that the google engine makes.

    with running_cloud() as cloud, open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        cloud.faults.add(Fault("Commit", "lost-reply", nth=3))
        cloud.faults.add(Fault("Push", "duplicate", touching="finalizations"))
        ...
        assert cloud.operations.written == 21

A gRPC server on a port of this machine, for where there is no Java, and for what no emulator does:
it counts what would be billed, injects faults, imposes limits, refuses queries that the service has
no index for, and its time can be moved. It posts to functions what is pushed. It knows the calls of
`fanfold.engines.google` and refuses every other.
Where it and the official emulators differ, it is wrong, but for what push.py names.
"""

from fanfold.testing.cloud.clock import CloudClock
from fanfold.testing.cloud.faults import Fault, Faults
from fanfold.testing.cloud.limits import Limits
from fanfold.testing.cloud.operations import Operations
from fanfold.testing.cloud.server import Cloud, running_cloud

__all__ = ["Cloud", "CloudClock", "Fault", "Faults", "Limits", "Operations", "running_cloud"]
