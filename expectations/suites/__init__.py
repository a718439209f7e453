"""What business owners sign: one module a business area, with its extract, owner and expectations."""

import importlib
import pkgutil
from dataclasses import dataclass

from great_expectations import ExpectationSuite


@dataclass(frozen=True)
class Suite:
    """An owner's expectations of one extract. `extract` is SQL over the build's marts, of bounded size."""

    owner: str
    relation: str
    extract: str
    expectations: ExpectationSuite


def suites() -> list[Suite]:
    """Every module of this folder that defines SUITE."""
    found = pkgutil.iter_modules(__path__, f"{__name__}.")
    return [importlib.import_module(module.name).SUITE for module in sorted(found, key=lambda module: module.name)]
