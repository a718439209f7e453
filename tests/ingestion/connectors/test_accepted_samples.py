"""Every sample of a system loads with the rows and totals that a separate reader finds, or is refused by name for a stated reason."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from ingestion.connectors import connectors, guess
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from ingestion.load import FileOutcome
from tests.ingestion.connectors.samples import SAMPLES
from tests.ingestion.connectors.separate_readers import READERS, same, total
from tests.ingestion.landing import Landing, opened
from warehouse.engine import make_home
from warehouse.settings import Settings

# Files that are refused, and why: damaged, or no data of these systems.
FRAGMENT = "a part of a statement"
REFUSED = {
    "camt053/genkgo/camt053.v2.wrong.xml": "holds no statement",
    **{
        f"mt940/wolph/betterplace__{name}.sta": FRAGMENT
        for name in ("currency_in_25", "empty_86", "empty_entry_date", "empty_line")
    },
    "mt940/wolph/betterplace__missing_crlf_at_end.sta": FRAGMENT,
    **{
        f"mt940/wolph/cmxl__{name}.sta": FRAGMENT
        for name in ("account_balance_credit", "account_identification_legacy")
    },
    **{
        f"mt940/wolph/cmxl__{name}.sta": FRAGMENT
        for name in ("available_balance", "closing_balance", "statement_details")
    },
    **{f"mt940/wolph/cmxl__{name}.sta": FRAGMENT for name in ("statement_line", "statement_number")},
    "mt940/wolph/self-provided__account_identification.sta": FRAGMENT,
    "mt940/wolph/self-provided__sparkassen.sta": FRAGMENT,
    "mt940/wolph/self-provided__invalid_statement.sta": "holds no statement",
    "stripe/openapi_fixtures/event.json": "'plan' is neither a move of money nor a check of identity",
    "kyc/shuftipro/go-kyc/client_00_reqInvalidResponse.json": "about the request",
    "kyc/shuftipro/go-kyc/client_01_reqUnauthorizedResponse.json": "reference: is missing",
    "kyc/shuftipro/go-kyc/client_04_changedResponse.json": "about the request",
    "kyc/shuftipro/go-kyc/client_05_changedErrorFormatResponse.json": "about the request",
    "kyc/shuftipro/go-kyc/client_06_unexpectedErrorFormatResponse.json": "about the request",
    "kyc/sumsub/go-kyc/service_00_x.json": "an answer of Sumsub's API",
    "kyc/sumsub/go-kyc/service_01_x.json": "an answer of Sumsub's API",
    "kyc/synapsefi/go-kyc/mapping_00_resp.json": "_id: is missing",
    "kyc/thomsonreuters/go-kyc/client_02_caseTemplateResponse.json": "caseId: is missing",
    "kyc/thomsonreuters/go-kyc/client_03_resolutionToolkitsResponse.json": "caseId: is missing",
    "kyc/onfido/onfido-python/check_completed.signature.json": "is nothing onfido can take",
    "kyc/onfido/onfido-python/workflow_task_started.signature.json": "is nothing onfido can take",
}
# Files that bear no mark of their system: dropped into its folder, they are refused there.
UNMARKED = {"invalid_statement.sta": "mt940", ".signature.json": "onfido", "sumsub/go-kyc/service_01": "sumsub"}


def files() -> list[str]:
    found = [path for system in READERS for path in sorted((SAMPLES / system).rglob("*")) if path.is_file()]
    return [path.relative_to(SAMPLES).as_posix() for path in found]


@cache
def owner(path: Path) -> str:
    marked = next((name for part, name in UNMARKED.items() if part in path.as_posix()), None)
    recognised = [connector.name for connector in guess(path)]
    assert recognised == ([] if marked else recognised[:1]), recognised
    return marked or recognised[0]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[FileOutcome]]]:
    """What the loader made of each sample, all in one home."""
    settings = Settings(home=tmp_path_factory.mktemp("samples") / "home")
    make_home(settings)
    landing: Landing = opened(settings)
    outcomes: dict[str, list[FileOutcome]] = {}
    by_owner: dict[str, list[str]] = {}
    for name in files():
        by_owner.setdefault(owner(SAMPLES / name), []).append(name)
    for connector, names in by_owner.items():
        for outcome in landing.ingest(*(SAMPLES / name for name in names), connector=connector):
            outcomes.setdefault(Path(outcome.path).relative_to(SAMPLES).as_posix(), []).append(outcome)
    yield outcomes
    landing.connection.close()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside the repository (../shared/samples)")
@pytest.mark.parametrize("name", files())
def test_a_sample_loads_whole_or_is_refused_by_name(
    name: str, loaded: dict[str, list[FileOutcome]], record_sample: Callable[..., None]
) -> None:
    system, outcomes = name.split("/")[0], loaded[name]
    refused = [outcome.reason or "" for outcome in outcomes if outcome.status == "refused"]
    took = sum(outcome.rows_loaded for outcome in outcomes)
    again = sum(outcome.rows_duplicate for outcome in outcomes)
    bad = sum(outcome.rows_quarantined for outcome in outcomes)
    copies = [outcome.reason or "" for outcome in outcomes if outcome.status == "duplicate_file"]
    rows = 0 if refused else READERS[system](SAMPLES / name).rows
    said = refused or copies or ([f"{again} rows are those of another sample"] if again else [""])
    record_sample(system, name.split("/", 1)[1], rows, took, bad, said[0].replace(str(SAMPLES), ""))
    assert bool(refused) == (name in REFUSED), refused
    if refused:
        assert REFUSED[name] in refused[0]
        return
    assert bad == 0
    assert copies or took + again >= rows


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside the repository (../shared/samples)")
@pytest.mark.parametrize("name", [name for name in files() if name not in REFUSED])
def test_rows_and_totals_are_those_of_a_separate_reader(name: str) -> None:
    system = name.split("/")[0]
    connector = connectors()[owner(SAMPLES / name)]
    good = [(batch.feed, judge(FEEDS[batch.feed], batch).good) for batch in connector.read(SAMPLES / name)]
    expected = READERS[system](SAMPLES / name)
    sources = {
        number for feed, frame in good if feed != "bank_statements" and frame.height for number in frame["_row_number"]
    }
    assert len(sources) == expected.rows
    money = [frame for feed, frame in good if feed in ("psp_transactions", "bank_statement_lines") and frame.height]
    if system == "adyen" and connector.name == "adyen_settlement":
        nets = [
            frame.select("currency", pl.col("_extra").str.json_path_match("$.net_amount")).rows() for frame in money
        ]
        assert same(total((currency, Decimal(net)) for rows in nets for currency, net in rows), expected.amounts)
        return
    amounts = total(pair for frame in money for pair in frame.select("currency", "amount").rows())
    assert same(amounts, expected.amounts)
    fees = [frame for frame in money if "fee_amount" in frame.columns]
    charged = [frame.select(pl.coalesce("fee_currency", "currency"), "fee_amount").rows() for frame in fees]
    assert same(total(pair for rows in charged for pair in rows), expected.fees)
