"""Pure functions: no settings, no clock, no input or output."""
