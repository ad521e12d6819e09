"""How much the mock server costs, against a bare uvicorn echo that parses the same body."""
