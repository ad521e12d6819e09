from mockserver.client import MockServer as MockServer

__version__: str
