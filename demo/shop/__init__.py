"""A small tea shop: what a project writes around the pages of the package."""
