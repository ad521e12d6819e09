"""Bytes in, bytes out: the Starlette applications and the uvicorn server around the engine."""
