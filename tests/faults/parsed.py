"""What every killed process has from its birth: the imports of a run, and dbt's project read once."""

import tempfile
from pathlib import Path

from apps import pipeline
from warehouse.dbt import Dbt
from warehouse.engine import make_home
from warehouse.settings import Settings

__all__ = ["pipeline"]

with tempfile.TemporaryDirectory() as folder:
    home = Settings(home=Path(folder))
    make_home(home)
    Dbt(home).parsed()
