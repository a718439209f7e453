"""The dossier: who decided, which checks ran before, and what the client's status was at the time."""

from apps.dossier.answer import SUBJECTS, DossierNotFound, dossier
from apps.dossier.table import render

__all__ = ["SUBJECTS", "DossierNotFound", "dossier", "render"]
