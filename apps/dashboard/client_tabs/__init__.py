"""The parts of the Clients page."""
