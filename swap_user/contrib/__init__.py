"""Adapters for other packages. Import only the module of a package that is installed."""
