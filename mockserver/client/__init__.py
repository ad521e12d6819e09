"""The handle that tests hold: a mock server in this process or elsewhere, what was sent to it, and what comes next."""

from mockserver.client.calls import Answer, Call
from mockserver.client.connection import ControlError
from mockserver.client.failures import DroppedCallsError
from mockserver.client.handle import ApiView, MockServer
from mockserver.client.steering import Catalogue, Clock, Limit, Limits, Rule

__all__ = [
    "Answer",
    "ApiView",
    "Call",
    "Catalogue",
    "Clock",
    "ControlError",
    "DroppedCallsError",
    "Limit",
    "Limits",
    "MockServer",
    "Rule",
]
