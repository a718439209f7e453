"""docs/own-data.md, run as it stands: from an empty home to one's first real file on a page."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import free_port
from warehouse.settings import PROJECT

BLOCKS = re.findall(r"```sh\n(.*?)```", (PROJECT / "docs" / "own-data.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory):
    own = {
        **os.environ,
        "DAYBOOK_HOME": str(tmp_path_factory.mktemp("own") / "daybook"),
        "DAYBOOK_DASHBOARD_PORT": str(free_port()),
        "DAYBOOK_DAGSTER_PORT": str(free_port()),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    yield own
    subprocess.run(["daybook", "down"], env=own, cwd=PROJECT, check=False)


def shell(block: str, environment: dict[str, str]) -> str:
    # the page's own PATH line points at .venv of the checkout, which may be another environment than the one under test
    script = block.replace('export PATH="$PWD/.venv/bin:$PATH"\n', "")
    done = subprocess.run(
        ["bash", "-euc", script], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_leads_from_an_empty_home_to_the_first_file_on_a_page(environment: dict[str, str]):
    doctor, file, run, query, up = BLOCKS
    shell(doctor, environment)
    assert "3" in shell(file, environment)
    assert not list(Path(environment["DAYBOOK_HOME"]).glob("archive/*")), "a dry run writes nothing"
    out = shell(run, environment)
    assert "first.csv" in out and "amount: must be a decimal number" in " ".join(out.split())
    assert "acme_pay" in shell(query, environment)
    answer = shell(
        "daybook sql 'select deposits, approval_rate from operations.fct_payments_daily' --format json", environment
    )
    assert json.loads(answer) == [{"deposits": "250.00000000", "approval_rate": "0.50000000"}]
    assert environment["DAYBOOK_DASHBOARD_PORT"] in shell(up, environment)
    shell("daybook down", environment)
