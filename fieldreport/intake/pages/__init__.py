"""The pages, one module per group of routes."""
