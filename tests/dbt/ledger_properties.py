"""What must hold of the ledger whatever happened: asked of a built broker that was told generated streams."""

from decimal import Decimal

from tests.dbt.broker import Broker
from tests.dbt.generated_streams import Stream, told

CLIENT_ACCOUNTS = ("1045", "2010", "2015", "2020", "2070", "5040", "9010")
STANDING = """
    select client_id, account_code, sum(amount) from finance.fct_postings
    where client_id like 'G%' and list_contains(?::varchar[], account_code) group by all having sum(amount) <> 0
"""
OF_REQUESTS = """
    select events.request_id, postings.account_code, postings.currency, sum(postings.amount)
    from finance.fct_postings as postings
    inner join finance.fct_journal_entries as entries using (entry_id)
    inner join staging.stg_cash_requests as events on entries.source_feed = 'cash_requests' and entries.source_key = events.event_id
    where events.client_id like 'G%' group by all having sum(postings.amount) <> 0
"""
UNBALANCED = "select entry_id, currency, sum(amount) from finance.fct_postings group by all having sum(amount) <> 0"


def every_entry_balances(broker: Broker) -> None:
    assert broker.rows(UNBALANCED) == []


def money_is_conserved(broker: Broker, drawn: list[Stream]) -> None:
    """Each client's accounts hold what the stream, read plainly, leaves on them."""
    found = {(client, code): amount for client, code, amount in broker.rows(STANDING, list(CLIENT_ACCOUNTS))}
    expected: dict[tuple[str, str], Decimal] = {}
    for stream in drawn:
        books = told(stream).books
        expected |= {(stream.name, code): books[code] for code in CLIENT_ACCOUNTS if books[code]}
    differing = {
        key: (expected.get(key), found.get(key))
        for key in expected.keys() | found.keys()
        if expected.get(key) != found.get(key)
    }
    named = {name for name, _ in differing}
    assert not differing, (differing, [stream for stream in drawn if stream.name in named][:1])


def a_rejection_leaves_no_trace(broker: Broker, drawn: list[Stream]) -> None:
    """Of a request that was rejected, cancelled or failed before a fee was taken, every account is as if it had never been made."""
    ended = {key for stream in drawn for key in told(stream).ended}
    assert ended
    assert [row for row in broker.rows(OF_REQUESTS) if row[0] in ended] == []
