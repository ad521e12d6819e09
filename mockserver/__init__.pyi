from mockserver.client import Call as Call
from mockserver.client import ControlError as ControlError
from mockserver.client import DroppedCallsError as DroppedCallsError
from mockserver.client import MockServer as MockServer

__version__: str
