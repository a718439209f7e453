"""Measures the pipeline against the practical limit of the machine it runs on."""
