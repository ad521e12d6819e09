"""A real browser that calls the mock from web pages."""
