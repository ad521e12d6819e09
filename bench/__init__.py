"""What the mock server costs: in time against a bare uvicorn echo, in memory, and at its start."""
