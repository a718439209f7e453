"""A tiny broker written straight into the marts and published: pages are tested on it within a second, without a build."""

import contextlib
import json
from datetime import datetime

from tests.apps.dashboard.hand_made_books import BOOKS
from tests.apps.dashboard.hand_made_compliance import COMPLIANCE
from tests.apps.dashboard.hand_made_monitoring import MONITORING
from warehouse import control
from warehouse.engine import connect, make_home
from warehouse.publish import publish
from warehouse.settings import Settings

DAYS = "(select (date '2026-08-01' + i::integer) as day, i from range(113) t(i))"
CASES = """(values ('UK', 'adyen', 'card', 'GBP', 1),
    ('CY', 'adyen', 'card', 'EUR', 2), ('CY', 'bank', 'bank_wire', 'EUR', 3), ('SC', 'coinpay', 'crypto', 'USD',
    4)) as c (entity, psp, method, currency, n)"""
MARTS = {
    "leadership.fct_kpi_daily": f"""
        select day, entity, kpi, (base * (1 + 0.3 * sin(i / 5.0 + n)) + 40 * n)::decimal(38, 8) as value, unit,
            null::decimal(38, 8) as previous_value, timestamp '2026-11-22 06:00:00' as published_at
        from {DAYS}, (values ('UK', 1), ('CY', 2), ('SC', 3)) as e (entity, n),
            (values ('net_deposits', 5200, 'USD'), ('deposits', 15000, 'USD'), ('withdrawals', 9800, 'USD'), ('active_clients', 60, 'clients'),
                ('volume_usd', 9000000, 'USD'), ('book_a_volume_usd', 4000000, 'USD'),
                ('book_b_volume_usd', 5000000, 'USD'), ('revenue', 3000, 'USD'), ('revenue_commission_a', 1000, 'USD'),
                ('revenue_trading_result_b', 2000, 'USD'), ('tickets_opened', 6, 'tickets')) as k (kpi, base, unit)""",
    "operations.fct_payments_daily": f"""
        select day, entity, psp, method, currency, (9000 + 800 * sin(i / 3.0) * n)::decimal(38, 8) as deposits,
            (4000 + 300 * cos(i / 4.0) * n)::decimal(38, 8) as withdrawals,
            (5000 + 800 * sin(i / 3.0) * n - 300 * cos(i / 4.0) * n)::decimal(38, 8) as net,
            (40 + n)::bigint as attempts, (34 + n)::bigint as approved, ((34 + n)::decimal(18, 8) / (40 + n))::decimal(18, 8) as approval_rate,
            (i % 40 = 0)::bigint as chargebacks, 25::decimal(38, 8) as fees,
            case currency when 'GBP' then 1.25 when 'EUR' then 1.1 else 1 end::decimal(18, 8) as fx_rate_usd
        from {DAYS}, {CASES}""",
    "quality.fct_loads": """
        select i::bigint as load_id, 'csv' as connector, '1' as connector_version, ['deals', 'psp_transactions',
        'kyc_events'][1 + i % 3] as feed,
            'csv/file' || i || '.csv' as path, lpad(i::varchar, 64, '0') as file_sha256, 1000::bigint as bytes, (1000 + i)::bigint as rows_read,
            (990 + i)::bigint as rows_loaded, 8::bigint as rows_duplicate, 2::bigint as rows_quarantined,
            timestamp '2026-11-20 06:00:00' + interval (i // 10) day as recorded_at,
            timestamp '2026-11-20 06:00:00' + interval (i) minute as started_at,
            timestamp '2026-11-20 06:00:01' + interval (i) minute as finished_at, 'loaded' as status, null::varchar as reason
        from range(30) t (i)""",
    "quality.fct_quarantine": """
        select i::bigint as load_id, 'deals' as feed, 'csv/file' || i || '.csv' as path, lpad(i::varchar, 64,
        '0') as file_sha256, (i * 7)::bigint as row_number,
            case i % 2 when 0 then ['price: positive'] else ['currency: ISO 4217', 'login: present'] end as rules, '{"deal_id":"=1+1"}' as row,
            timestamp '2026-11-20 06:00:00' as recorded_at, 'open' as status, null::varchar as replayed_as
        from range(12) t (i)""",
    "quality.rec_source_daily": """
        select ['mt5-1', 'acme'][1 + i % 2] as source, ['deals', 'psp_transactions'][1 + i % 2] as feed, date '2026-11-22' - (i // 2)::integer as day,
            'day' as scope, if(i % 2 = 1, 'EUR', '') as currency, timestamp '2026-11-22 06:00:00' as counted_at, (1000 + i)::bigint as source_rows,
            (1000 + i - if(i % 10 = 3, 2, 0))::bigint as raw_rows, if(i % 10 = 3, 2, 0)::bigint as difference_rows,
            if(i % 20 = 3, 2, 0)::bigint as quarantined_rows, 0::bigint as late_rows, 0::bigint as deleted_rows, 0::bigint as known_before_rows,
            if(i % 20 = 13, 2, 0)::bigint as unexplained_rows, (50000 + i)::decimal(38, 8) as source_amount,
            (50000 + i - if(i % 10 = 3, 12.5, 0))::decimal(38, 8) as raw_amount, if(i % 10 = 3, 12.5, 0)::decimal(38, 8) as difference_amount,
            if(i % 20 = 13, 12.5, 0)::decimal(38, 8) as unexplained_amount,
            case when i % 20 = 13 then 'differs' when i % 20 = 3 then 'explained' else 'agrees' end as status
        from range(120) t (i)""",
    "quality.fct_checks_history": """
        select r::bigint as run_id, 'grain_fct_' || c as check_name, 'dbt' as kind, 'trading.fct_deals' as relation,
            case when c = 3 then 'warn' else 'pass' end as status, 'error' as severity, (c = 3)::bigint as failures, null::varchar as message,
            timestamp '2026-11-20 06:00:00' + interval (r) hour as ran_at
        from range(1, 6) t (r), range(8) s (c)""",
    "core.dim_clients": """
        select 'c' || i as client_id, ['UK', 'CY', 'SC'][1 + i % 3] as entity, 'Ann' as first_name, 'Lee' as last_name,
            'p' || (i % 12) as partner_id from range(60) t (i)""",
    "core.dim_partners": """
        select 'p' || i as partner_id, 'Partner ' || i as name, ['UK', 'CY', 'SC'][1 + i % 3] as entity, 'active' as status from range(12) t (i)""",
    "partners.dim_partner_tree": """
        select 'p' || i as partner_id, 'p' || i as ancestor_id, 0 as level, timestamp '2026-01-01' as valid_from, null::timestamp as valid_to
        from range(12) t (i)
        union all select 'p' || i, 'p' || (i // 3), 1, timestamp '2026-01-01', null from range(1, 12) t (i)""",
    "partners.fct_commission_accruals": """
        select 'mt5:' || i || ':r1' || if(i % 40 = 0, 'x', '') as accrual_id, if(i % 40 = 0, 2, 1) as revision, 'mt5-1' as platform,
            (700000 + i)::varchar as deal_id, 'c' || (i % 60) as client_id, 'p' || (i % 12) as partner_id, 1 + i % 3 as level, 'std' as plan_id,
            1 as plan_version, 'r' || (i % 4) as rule_id, 2 as rule_version, 'per_lot' as scheme, 'difference' as distribution,
            (i % 9 + 1)::decimal(38, 8) as basis_amount, 'lots' as basis_unit, 4::decimal(18, 8) as rate, 1::decimal(18, 8) as fx_rate,
            (if(i % 40 = 0, -4, 4) * (i % 9 + 1))::decimal(38, 8) as amount, 'USD' as currency,
            (if(i % 40 = 0, -4, 4) * (i % 9 + 1))::decimal(38, 8) as amount_usd,
            timestamp '2026-08-01 10:00:00' + interval (i * 4) hour as executed_at, timestamp '2026-11-22 06:00:00' as accrued_at,
            4::decimal(18, 8) as own_rate, null::decimal(28, 8) as tier_from, if(i % 9 = 0, 'cap', null) as limited_by,
            'same' as fx_path, 'close' as side,
            if(i % 11 = 0, 'held', 'accrued') as status, if(i % 40 = 0, 'mt5:' || i || ':r1', null) as reverses_accrual_id,
            if(i % 40 = 0, 'late_link', null) as reason,
            null::varchar as approval_id, null::varchar as payout_id
        from range(670) t (i)""",
    "partners.fct_partner_statement": """
        select 'p' || (i % 12) as partner_id, ['2026-09', '2026-10', '2026-11'][1 + i // 12] as period, 'USD' as currency,
            100::decimal(38, 8) as opening,
            sums.accrued, 40::decimal(38, 8) as held, 60::decimal(38, 8) as approved, 54::decimal(38, 8) as paid, 0::decimal(38, 8) as adjustments,
            0::decimal(38, 8) as clawed_back, (46 + sums.accrued)::decimal(38, 8) as closing, (40 + sums.accrued)::decimal(38, 8) as open_accruals,
            0::decimal(38, 8) as payable, 6::decimal(38, 8) as held_back, 0::decimal(38, 8) as released, 0::decimal(38, 8) as to_take_back,
            12.5::decimal(38, 8) as lots, 4::bigint as clients_active, sums.accrued as accrued_usd, 900::decimal(38, 8) as revenue_usd,
            0.25::decimal(18, 8) as effective_pct_of_revenue
        from range(36) t (i) join (
            select partner_id, strftime(executed_at, '%Y-%m') as month, sum(amount)::decimal(38, 8) as accrued
            from partners.fct_commission_accruals group by all
        ) as sums on sums.partner_id = 'p' || (i % 12) and sums.month = ['2026-09', '2026-10', '2026-11'][1 + i // 12]""",
    "partners.fct_payouts": """
        select 'pay' || i as payout_id, 'p' || (i % 12) as partner_id, '2026-09' as period, 54::decimal(38, 8) as amount, 'USD' as currency,
            ['approved', 'paid', 'failed', 'returned'][1 + i % 4] as status, 'ST-05' as approved_by, timestamp '2026-10-04 10:00:00' as approved_at,
            if(i % 4 = 0, null, timestamp '2026-10-05 10:00:00') as paid_at, 'entry' || i as entry_id from range(24) t (i)""",
    "partners.fct_commission_flags": """
        select 'p' || i as partner_id, 'USD' as currency, 'c' || i as client_id, ['chargeback', 'self_referral'][1 + i % 2] as flag,
            null::timestamp as since, 'adyen:=1+1' as evidence, 12::decimal(38, 8) as amount, 12::decimal(38, 8) as amount_usd,
            12::decimal(38, 8) as take_back, '[{"period":"2026-09","amount":"12.00"}]' as take_back_lines,
            timestamp '2026-11-01 10:00:00' as flagged_at from range(5) t (i)""",
    "partners.fct_commission_zero": """
        select 'mt5-1' as platform, (800000 + i)::varchar as deal_id, 'p' || (i % 12) as partner_id,
            ['held_too_short', 'no_rule', 'hedged', 'no_rule'][1 + i % 4] as reason, null::varchar as detail from range(90) t (i)""",
    "trading.fct_deals": """
        select 'mt5-1' as platform, (800000 + i)::varchar as deal_id, 'c' || (i % 60) as client_id, 'EURUSD' as symbol,
            0.1::decimal(18, 8) as volume_lots, 'fx' as symbol_group, (30 + i * 7)::bigint as holding_seconds,
            timestamp '2026-09-01 10:00:00' + interval (i * 21) hour + interval (i * 13) minute as executed_at
        from range(94) t (i)""",
    "operations.fct_withdrawals": """
        select 'w' || i as request_id, 'c' || (i % 60) as client_id, (100 + i * 7.5)::decimal(38, 8) as amount,
        'EUR' as currency, 'card' as method,
            timestamp '2026-09-01 09:00:00' + interval (i * 9) hour as requested_at,
            timestamp '2026-09-01 12:00:00' + interval (i * 9) hour as decided_at,
            if(i % 7 = 0, null, timestamp '2026-09-01 12:00:00' + interval (i * 9 + (i * i) % 60) hour) as paid_at,
            if(i % 7 = 0, 'rejected', 'approved') as decision, 's1' as decided_by,
            if(i % 7 = 0, null, 10800 + ((i * i) % 60) * 3600)::bigint as turnaround_seconds,
            10800::bigint as decision_seconds, 0::bigint as paused_seconds,
            true as checks_passed, 'APPROVED' as kyc_status_at_decision, if(i % 11 = 0, 'RE_KYC', 'APPROVED') as kyc_status_known_at_decision
        from range(210) t (i)""",
    "compliance.fct_control_failures": """
        select 'stale_kyc' as control, 'withdrawal' as subject_type, 'w' || (i * 11) as subject_id, 's1' as actor_id,
            timestamp '2026-09-01 12:00:00' + interval (i * 99) hour as occurred_at, i % 2 = 0 as discovered_later,
            'RE_KYC for 40 days' as detail
        from range(19) t (i)""",
    "compliance.fct_audit_events": """
        select 'e' || i as event_id, 'payment' as stream, 'x' || i as stream_id,
        'psp_transaction.declined' as event_type, 'c' || (i % 60) as client_id,
            timestamp '2026-09-01' + interval (i * 5) hour as occurred_at, ['insufficient_funds', '3ds_failed',
            'do_not_honour'][1 + i % 3] as reason,
            'psp_transactions' as source_feed, 'adyen:e' || i as source_key, 1 as version, null::bigint as seq, null::varchar as hash,
            timestamp '2026-09-01' + interval (i * 5 + i % 2) hour as recorded_at, 'provider' as actor_type, 'adyen' as actor_id,
            null::varchar as actor_role, null::varchar as before, '{}' as after, 'x' || i as correlation_id, null::varchar as rule_version,
            null::varchar as approval_id, 1::bigint as load_id
        from range(390) t (i)""",
    **BOOKS,
    **COMPLIANCE,
    **MONITORING,
}  # fmt: skip

STAFF = {
    "core.dim_staff": """
        select staff_id, name, email, client_id, role, approval_limit_eur::decimal(38, 8) as approval_limit_eur, is_active
        from (values ('ST-02', 'Maeve Lynch', 'Maeve.Lynch@broker.example ', null, 'mlro', null, true),
            ('ST-07', 'Petra Novak', 'petra.novak@broker.example', null, 'payments', 10000, true),
            ('ST-08', 'Omar Said', 'omar.said@broker.example', 'c7', 'payments', 10000, true),
            ('ST-10', 'Peter Vance', 'peter.vance@broker.example', null, 'dealing', null, true),
            ('ST-19', 'Nina Petrova', 'nina.petrova@broker.example', null, 'payments', 10000, false),
            ('ST-21', 'Two Hats', 'shared@broker.example', null, 'finance', 1, true),
            ('ST-22', 'Two Hats', 'shared@broker.example', null, 'compliance', 1, true)
        ) as t (staff_id, name, email, client_id, role, approval_limit_eur, is_active)"""
}
"""Staff for those tests that need any: without them the demo users are who demo_users.yml says."""


LOADED_AT = datetime(2026, 11, 22, 6)


def make(settings: Settings, marts: dict[str, str] = MARTS, loaded_at: datetime = LOADED_AT) -> Settings:
    """A published home that holds these marts, of a load at that moment."""
    make_home(settings)
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        control.ensure_control(connection)
        connection.execute("create schema raw")
        connection.execute(
            f"create table raw.loads as select timestamp '{loaded_at}' as recorded_at, 1::bigint as load_id, 'csv' as connector"
        )
        for name, sql in marts.items():
            schema, table = name.split(".")
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {name} as select *, 1::bigint as _run_id from ({sql})")
            connection.execute(
                "insert into control.models values (?, ?, true, 1, 1, 1, 'replace', [], [], [])", [table, schema]
            )
        connection.execute(
            "insert into control.runs values (1, now()::timestamp, now()::timestamp, 'green', true, 1, 'x', null)"
        )
        connection.execute(
            """
            insert into control.check_results
            select 1, 'check ' || i, 'dbt', 'x', if(i = 3, 'warn', 'pass'), 'warn', 0, null, now()::timestamp from range(9) t (i)
            """
        )
    publish(settings)
    settings.simulated_marker.write_text(json.dumps({"seed": 7}), encoding="utf-8")
    return settings
