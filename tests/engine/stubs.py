"""The stand-ins that the engine's library brings, under the name that its tests know."""

from engine.ports import MemoryRecorder as MemoryRecorder
from engine.testing import USAGE as USAGE
from engine.testing import StubApprover as StubApprover
from engine.testing import StubDecider as StubDecider
from engine.testing import StubModel as StubModel
from engine.testing import StubRouter as StubRouter
from engine.testing import calls as calls
from engine.testing import kinds as kinds
from engine.testing import says as says
from engine.testing import task as task
