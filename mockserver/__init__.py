"""A local mock server that stands in for notification trigger APIs."""

__version__ = "0.1.0"
