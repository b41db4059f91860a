"""The labs: pictures that follow the hand, one module a unit."""
