"""The dossier: who decided, which checks ran before, and what the client's status was at the time."""

from apps.dossier.answer import DossierNotFound, dossier
from apps.dossier.table import render

__all__ = ["DossierNotFound", "dossier", "render"]
