"""Where the parsed project is kept."""

import os

import pytest

from warehouse import dbt
from warehouse.settings import Settings


def test_homes_share_the_parsed_project_unless_the_checkout_cannot_be_written(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dbt.Dbt(home).manifest_file.is_relative_to(dbt.TARGET)
    writable = os.access

    def read_only(path: object, mode: int) -> bool:
        return path != dbt.DBT_PROJECT and writable(path, mode)  # type: ignore[arg-type]

    monkeypatch.setattr(dbt.os, "access", read_only)
    assert dbt.Dbt(home).manifest_file.is_relative_to(home.root)
