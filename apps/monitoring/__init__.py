"""Monitoring rules run over what is known: what they would have found with other parameters."""
