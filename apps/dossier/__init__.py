"""The dossier: who decided, which checks ran before, and what the client's status was at the time."""

from apps.dossier.answer import SUBJECTS, Dossier, DossierNotFound, dossier, inquire
from apps.dossier.table import render

__all__ = ["SUBJECTS", "Dossier", "DossierNotFound", "dossier", "inquire", "render"]
