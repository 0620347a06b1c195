"""Pure functions, without settings, clock, database or network."""
