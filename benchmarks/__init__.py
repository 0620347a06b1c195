"""What a login costs beside what others do: ``python -m benchmarks``."""
