"""A test that needs a server says so when it is left out, and CI leaves nothing out."""

import shutil
from pathlib import Path

import pytest

from tests import servers


def test_an_absent_server_leaves_the_test_out_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(pytest.skip.Exception, match=r"MariaDB .* is not installed here"), servers.mariadb(tmp_path):
        pass


def test_an_absent_server_fails_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(pytest.fail.Exception, match="is not installed here"), servers.mariadb(tmp_path):
        pass
