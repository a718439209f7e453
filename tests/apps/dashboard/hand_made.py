"""A tiny broker written straight into the marts and published: pages are tested on it within a second, without a build."""

import contextlib
import json

from warehouse import control
from warehouse.engine import connect, make_home
from warehouse.publish import publish
from warehouse.settings import Settings

DAYS = "(select (date '2026-08-01' + i::integer) as day, i from range(113) t(i))"
CASES = "(values ('UK', 'adyen', 'card', 'GBP', 1), ('CY', 'adyen', 'card', 'EUR', 2), ('CY', 'bank', 'bank_wire', 'EUR', 3), ('SC', 'coinpay', 'crypto', 'USD', 4)) as c (entity, psp, method, currency, n)"
MARTS = {
    "leadership.fct_kpi_daily": f"""
        select day, entity, kpi, (base * (1 + 0.3 * sin(i / 5.0 + n)) + 40 * n)::decimal(38, 8) as value, unit,
            null::decimal(38, 8) as previous_value, timestamp '2026-11-22 06:00:00' as published_at
        from {DAYS}, (values ('UK', 1), ('CY', 2), ('SC', 3)) as e (entity, n),
            (values ('net_deposits', 5200, 'USD'), ('deposits', 15000, 'USD'), ('withdrawals', 9800, 'USD'), ('active_clients', 60, 'clients'),
                ('volume_usd', 9000000, 'USD'), ('tickets_opened', 6, 'tickets')) as k (kpi, base, unit)""",
    "operations.fct_payments_daily": f"""
        select day, entity, psp, method, currency, (9000 + 800 * sin(i / 3.0) * n)::decimal(38, 8) as deposits,
            (4000 + 300 * cos(i / 4.0) * n)::decimal(38, 8) as withdrawals,
            (5000 + 800 * sin(i / 3.0) * n - 300 * cos(i / 4.0) * n)::decimal(38, 8) as net,
            (40 + n)::bigint as attempts, (34 + n)::bigint as approved, ((34 + n)::decimal(18, 8) / (40 + n))::decimal(18, 8) as approval_rate,
            (i % 40 = 0)::bigint as chargebacks, 25::decimal(38, 8) as fees
        from {DAYS}, {CASES}""",
    "quality.fct_loads": """
        select i::bigint as load_id, 'csv' as connector, '1' as connector_version, ['deals', 'psp_transactions', 'kyc_events'][1 + i % 3] as feed,
            'csv/file' || i || '.csv' as path, lpad(i::varchar, 64, '0') as file_sha256, 1000::bigint as bytes, (1000 + i)::bigint as rows_read,
            (990 + i)::bigint as rows_loaded, 8::bigint as rows_duplicate, 2::bigint as rows_quarantined,
            timestamp '2026-11-20 06:00:00' + interval (i // 10) day as recorded_at, timestamp '2026-11-20 06:00:00' + interval (i) minute as started_at,
            timestamp '2026-11-20 06:00:01' + interval (i) minute as finished_at, 'loaded' as status, null::varchar as reason
        from range(30) t (i)""",
    "quality.fct_quarantine": """
        select i::bigint as load_id, 'deals' as feed, 'csv/file' || i || '.csv' as path, lpad(i::varchar, 64, '0') as file_sha256, (i * 7)::bigint as row_number,
            case i % 2 when 0 then ['price: positive'] else ['currency: ISO 4217', 'login: present'] end as rules, '{"deal_id":"=1+1"}' as row,
            timestamp '2026-11-20 06:00:00' as recorded_at, 'open' as status, null::varchar as replayed_as
        from range(12) t (i)""",
    "quality.fct_checks_history": """
        select r::bigint as run_id, 'grain_fct_' || c as check_name, 'dbt' as kind, 'trading.fct_deals' as relation,
            case when c = 3 then 'warn' else 'pass' end as status, 'error' as severity, (c = 3)::bigint as failures, null::varchar as message,
            timestamp '2026-11-20 06:00:00' + interval (r) hour as ran_at
        from range(1, 6) t (r), range(8) s (c)""",
}  # fmt: skip


def make(settings: Settings, marts: dict[str, str] = MARTS) -> Settings:
    """A published home that holds these marts."""
    make_home(settings)
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        control.ensure_control(connection)
        connection.execute("create schema raw")
        connection.execute("create table raw.loads as select timestamp '2026-11-22 06:00:00' as recorded_at, 1::bigint as load_id")
        for name, sql in marts.items():
            schema, table = name.split(".")
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {name} as select *, 1::bigint as _run_id from ({sql})")
            connection.execute("insert into control.models values (?, ?, true, 1, 1, 1, 'replace', [], [], [])", [table, schema])
        connection.execute("insert into control.runs values (1, now()::timestamp, now()::timestamp, 'green', true, 1, 'x', null)")
        connection.execute(
            "insert into control.check_results select 1, 'check ' || i, 'dbt', 'x', if(i = 3, 'warn', 'pass'), 'warn', 0, null, now()::timestamp from range(9) t(i)"
        )
    publish(settings)
    settings.simulated_marker.write_text(json.dumps({"seed": 7}), encoding="utf-8")
    return settings
