"""A synthetic broker: coherent, deterministic feed files with planted cases that `truth/` names."""

from ingestion.simulator.simulation import SimulationSummary, append_days, simulate

__all__ = ["SimulationSummary", "append_days", "simulate"]
