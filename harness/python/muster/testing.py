"""A unittest.TestCase whose class has a cluster.

    class CopyTest(muster.testing.ClusterTestCase):
        cluster_file = "config/local.yaml"

        def test_every_server_answers(self):
            self.cluster.servers().run(["true"]).checked()

The cluster is made, or found, once for the class. What a test has begun on the nodes and not ended,
such as faults, changes, forwards and commands, ends with the test, and what cannot be ended fails
it; what setUpClass has begun ends with the class. Where this machine cannot make a cluster, the
tests are skipped with the reason.
"""
from __future__ import annotations

import contextlib
import unittest
from typing import Any, ClassVar, Iterator, Optional, Tuple, Union

from .cluster import Cluster
from .errors import ClusterUnavailable, Kind, NodeError


class ClusterTestCase(unittest.TestCase):
    """Set `cluster_file` to a cluster file, or to the name of a cluster that is up.

    Without it, $MUSTER_CLUSTER names the cluster. A class that has a setUpClass calls that of this
    one first.
    """

    cluster_file: ClassVar[str] = ""
    #: The name of a cluster that is to be made; by default the one of the file.
    cluster_name: ClassVar[Optional[str]] = None
    cluster: ClassVar[Cluster]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cluster = Cluster(cls.cluster_file or None, name=cls.cluster_name)
        try:
            cluster.start()
        except ClusterUnavailable as error:
            raise unittest.SkipTest("no cluster can be made here: %s" % error) from None
        cls.cluster = cluster
        # Also if the setUpClass of a derived class fails later.
        cls.addClassCleanup(cluster.close)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._owned_before = 0
        # The first cleanup is done last, after those of the test.
        self.addCleanup(self._end_owned)

    def run(self, result: Optional[unittest.TestResult] = None) -> Optional[unittest.TestResult]:
        cluster = getattr(type(self), "cluster", None)
        self._owned_before = cluster.owned_count() if cluster is not None else 0
        return super().run(result)

    def _end_owned(self) -> None:
        cluster = getattr(type(self), "cluster", None)
        if cluster is not None:
            cluster.end_owned(self._owned_before)

    @contextlib.contextmanager
    def assertFailsWith(self, kind: Union[Kind, Tuple[Kind, ...]]) -> Iterator[None]:
        """Expects a NodeError of this kind in its `with`."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        try:
            yield
        except NodeError as error:
            if error.kind not in kinds:
                raise
            return
        self.fail("no NodeError of kind %s" % " or ".join(each.value for each in kinds))
