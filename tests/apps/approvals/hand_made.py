# ruff: noqa: E501  (a row of data is read across)
"""A small published broker made for decisions: one good client, and one for each thing that can be wrong with a withdrawal.

`w-good` passes every check; `w-<name>` fails the check of that name alone. Publishing takes about a second; readers only read it.
"""

from datetime import datetime

from tests.apps.dashboard.hand_made import make
from warehouse.settings import Settings

NOW = datetime(2026, 11, 22, 10)
"""Four hours after the newest load of the hand-made publish."""

WRONG = ("good", "balance", "margin", "kyc_status", "documents", "sanctions", "open_alerts", "return_to_source", "instrument_owner",
    "duplicate", "velocity", "approver_limit", "decided", "nothing_known")  # fmt: skip
NAMES = f"(select name, number from (select unnest({list(WRONG)}) as name, generate_subscripts({list(WRONG)}, 1) as number))"
CASES = ("ready", "unrated", "edd")
"""Clients whose identification case awaits a decision: one in order, one without a rating, one that only the MLRO may approve."""
EVERYBODY = f"(select name, number from (select unnest({list(WRONG + CASES)}) as name, generate_subscripts({list(WRONG + CASES)}, 1) as number))"
ASKED = "timestamp '2026-11-22 09:00:00'"

_EVENT = """
select event_id, stream, stream_id, event_type, occurred_at, occurred_at as recorded_at, actor_type, actor_id, client_id, after,
    source_feed, event_id as source_key, 1::integer as version, null::bigint as seq
from"""

WITHDRAWALS = f"""
    select 'w-' || name as request_id, 'c-' || name as client_id,
        case name when 'balance' then 900 when 'approver_limit' then 9000 else 400 end::decimal(38, 8) as amount, 'EUR' as currency,
        'card' as method, {ASKED} as requested_at, if(name = 'decided', {ASKED}, null) as decided_at, null::timestamp as paid_at,
        if(name = 'decided', 'approved', null) as decision, if(name = 'decided', 's-elsewhere', null) as decided_by,
        if(name = 'decided', 'approved', 'requested') as status, 'client' as requested_by_type, 'c-' || name as requested_by,
        'adyen' as psp, 'card-' || name as instrument_id, if(name = 'instrument_owner', 'Zoltan Quirk', 'Ann Lee ' || name) as destination_holder,
        if(name = 'margin', 'mt5:' || (1000 + number), 'wallet') as from_account, 'web' as channel
    from {NAMES}
    union all
    select 'w-velocity-' || i, 'c-velocity', 10 + i, 'EUR', 'card', {ASKED} - interval (i) hour, {ASKED}, {ASKED}, 'approved', 's-pay1', 'paid', 'client',
        'c-velocity', 'adyen', 'card-velocity', 'Ann Lee velocity', 'wallet', 'web'
    from range(1, 6) t (i)"""

AUDIT = f"""
    {_EVENT} (
        select 'req-' || name as event_id, 'payment' as stream, 'w-' || name as stream_id, 'withdrawal.requested' as event_type, {ASKED} as occurred_at,
            'client' as actor_type, 'c-' || name as actor_id, 'c-' || name as client_id, 'cash_requests' as source_feed,
            '{{"amount":"' || case name when 'balance' then '900' when 'approver_limit' then '9000' else '400' end
                || '.00000000","currency":"EUR","instrument_id":"card-' || name || '"}}' as after
        from {NAMES})
    union all
    {_EVENT} (
        select 'req-again' as event_id, 'payment' as stream, 'w-again' as stream_id, 'withdrawal.requested' as event_type,
            {ASKED} - interval 1 hour as occurred_at, 'client' as actor_type, 'c-duplicate' as actor_id, 'c-duplicate' as client_id,
            'cash_requests' as source_feed, '{{"amount":"400.00000000","currency":"EUR","instrument_id":"card-duplicate"}}' as after)
    union all
    {_EVENT} (
        select 'dep-' || name as event_id, 'payment' as stream, 'adyen:d-' || name as stream_id, 'psp.deposit.completed' as event_type,
            timestamp '2026-10-01 09:00:00' as occurred_at, 'provider' as actor_type, 'adyen' as actor_id, 'c-' || name as client_id,
            'psp_transactions' as source_feed,
            '{{"amount":"' || case name when 'return_to_source' then '100' when 'approver_limit' then '20000' else '5000' end
                || '.00000000","currency":"EUR","method":"card","instrument_id":"card-' || name || '","instrument_holder":"Lee, Ann ' || name || '"}}' as after
        from {NAMES} where name not in ('nothing_known'))
    union all
    {_EVENT} (
        select 'doc-' || name as event_id, 'kyc' as stream, 'c-' || name as stream_id, 'kyc.document_received' as event_type,
            timestamp '2026-06-01 09:00:00' as occurred_at, 'client' as actor_type, 'c-' || name as actor_id, 'c-' || name as client_id,
            'kyc_events' as source_feed,
            '{{"check":"identity","document_type":"passport","document_expires_on":"' || if(name = 'documents', '2026-11-01', '2030-01-01') || '"}}' as after
        from {EVERYBODY} where name <> 'nothing_known')
    union all
    {_EVENT} (
        select 'chk-' || list || '-' || name as event_id, 'kyc' as stream, 'c-' || name as stream_id, 'kyc.check_completed' as event_type,
            timestamp '2026-11-20 09:00:00' as occurred_at, 'system' as actor_type, 'onfido' as actor_id, 'c-' || name as client_id,
            'kyc_events' as source_feed,
            '{{"check":"' || list || '","result":"' || if(name = 'sanctions' and list = 'sanctions', 'fail', 'clear') || '"}}' as after
        from {EVERYBODY}, (select unnest(['identity', 'address', 'sanctions', 'pep', 'adverse_media']) as list) where name <> 'nothing_known')
    union all
    {_EVENT} (
        select 'app-' || name as event_id, 'kyc' as stream, 'c-' || name as stream_id, 'kyc.appropriateness_recorded' as event_type,
            timestamp '2026-06-01 09:00:00' as occurred_at, 'client' as actor_type, 'c-' || name as actor_id, 'c-' || name as client_id,
            'kyc_events' as source_feed, '{{"outcome":"pass"}}' as after
        from {EVERYBODY})
    union all
    {_EVENT} (values
        ('p1', 'period', 'CY:2026-09', 'period.closed', timestamp '2026-10-03', 'staff', 's-fin1', null, 'period_events', '{{}}'),
        ('p2', 'period', 'CY:2026-08', 'period.closed', timestamp '2026-09-03', 'staff', 's-fin1', null, 'period_events', '{{}}'),
        ('p3', 'period', 'CY:2026-08', 'period.reopened', timestamp '2026-09-05', 'staff', 's-fin1', null, 'period_events', '{{}}'),
        ('r1', 'payment', 'r-good', 'refund.requested', {ASKED}, 'client', 'c-good', 'c-good', 'cash_requests',
            '{{"amount":"50.00000000","currency":"EUR","method":"card","instrument_id":"card-good","destination_holder":"Ann Lee good","from_account":"wallet"}}'),
        ('r2', 'payment', 'r-strange', 'refund.requested', {ASKED}, 'client', 'c-good', 'c-good', 'cash_requests',
            '{{"amount":"60.00000000","currency":"EUR","method":"card","instrument_id":"card-new","destination_holder":"Ann Lee good","from_account":"wallet"}}'),
        ('r3', 'payment', 'r-done', 'refund.requested', {ASKED}, 'client', 'c-good', 'c-good', 'cash_requests', '{{"amount":"1.0","currency":"EUR"}}'),
        ('r4', 'payment', 'r-done', 'refund.approved', {ASKED}, 'staff', 's-pay1', 'c-good', 'cash_requests', '{{"amount":"1.0","currency":"EUR"}}'),
        ('t1', 'payment', 't-good', 'internal_transfer.requested', {ASKED}, 'client', 'c-approver_limit', 'c-approver_limit', 'cash_requests',
            '{{"amount":"11000.00000000","currency":"EUR","from_account":"wallet","to_account":"mt5:1012"}}'),
        ('t3', 'payment', 't-small', 'internal_transfer.requested', {ASKED}, 'client', 'c-good', 'c-good', 'cash_requests',
            '{{"amount":"100.00000000","currency":"EUR","from_account":"wallet","to_account":"mt5:1001"}}'),
        ('t2', 'payment', 't-foreign', 'internal_transfer.requested', {ASKED} - interval 1 day, 'client', 'c-approver_limit', 'c-approver_limit', 'cash_requests',
            '{{"amount":"11500.00000000","currency":"EUR","from_account":"wallet","to_account":"mt5:1001"}}')
    ) as e (event_id, stream, stream_id, event_type, occurred_at, actor_type, actor_id, client_id, source_feed, after)
    union all
    -- an instrument that another client deposited from
    {_EVENT} (
        select 'dep-old' as event_id, 'payment' as stream, 'adyen:d-old' as stream_id, 'psp.deposit.completed' as event_type,
            timestamp '2017-01-01' as occurred_at, 'provider' as actor_type, 'adyen' as actor_id, 'c-gone' as client_id,
            'psp_transactions' as source_feed, '{{"amount":"10","currency":"EUR","method":"card","instrument_id":"card-old","instrument_holder":"Old Timer"}}' as after)"""

CLIENTS = f"""
    select 'c-' || name as client_id, 'CY' as entity, 'individual' as client_type, 'retail' as category, 'Ann' as first_name, 'Lee ' || name as last_name,
        null::varchar as company_name, date '1980-01-01' + number::integer as birth_date, 'CY' as country_of_residence,
        name || '@client.example' as email, if(name = 'good', 'p-1', null) as partner_id, if(name = 'kyc_status', 'RE_KYC', 'APPROVED') as kyc_status,
        if(name = 'unrated', null, 'low') as risk_rating, timestamp '2026-06-01' as registered_at, timestamp '2026-10-01' as first_deposit_at, null::timestamp as last_trade_at, false as is_test
    from {EVERYBODY}
    union all values
        ('c-staff', 'CY', 'individual', 'retail', 'Paul', 'Quick', null, date '1990-05-05', 'CY', 'paul@home.example', null, 'APPROVED', 'low',
            timestamp '2026-06-01', null, null, false),
        ('c-twin', 'CY', 'individual', 'retail', 'Paul', 'Quick', null, date '1990-05-05', 'CY', 'other@home.example', null, 'APPROVED', 'low',
            timestamp '2026-06-01', null, null, false),
        ('c-partner', 'CY', 'individual', 'retail', 'Petra', 'Pound', null, date '1985-05-05', 'CY', 'petra@home.example', null, 'APPROVED', 'low',
            timestamp '2026-06-01', null, null, false),
        ('c-case', 'CY', 'individual', 'retail', 'Cora', 'Case', null, date '1985-06-05', 'CY', 'cora@home.example', null, 'IN_REVIEW', null,
            timestamp '2026-06-01', null, null, false),
        ('c-debt', 'CY', 'individual', 'retail', 'Old', 'Debtor', null, date '1955-06-05', 'CY', 'debt@home.example', null, 'TERMINATED', 'low',
            timestamp '2016-06-01', timestamp '2017-01-01', timestamp '2018-01-01', false),
        ('c-gone', 'CY', 'individual', 'retail', 'Old', 'Timer', null, date '1955-06-05', 'CY', 'old@home.example', null, 'TERMINATED', 'low',
            timestamp '2016-06-01', timestamp '2017-01-01', timestamp '2018-01-01', false)"""

MARTS = {
    "operations.fct_withdrawals": WITHDRAWALS,
    "compliance.fct_audit_events": AUDIT,
    "core.dim_clients": CLIENTS,
    "core.dim_staff": """
        select * from (values
            ('s-pay1', 'Pia Pay', 'pia@broker.example', null, 'payments', 5000, true),
            ('s-pay2', 'Paul Quick', 'paul@home.example', null, 'payments', 5000, true),
            ('s-pay3', 'Pat Partner', 'pat@broker.example', 'c-partner', 'payments', 5000, true),
            ('s-left', 'Leo Left', 'leo@broker.example', null, 'payments', 5000, false),
            ('s-fin1', 'Fay Finance', 'fay@broker.example', null, 'finance', 250000, true),
            ('s-fin2', 'Fritz Finance', 'fritz@broker.example', null, 'finance', 100000, true),
            ('s-fin1b', 'FINANCE, Fay', 'fay.private@home.example', null, 'finance', 250000, true),
            ('s-com1', 'Cleo Comply', 'cleo@broker.example', null, 'compliance', null, true),
            ('s-com2', 'Carl Comply', 'carl@broker.example', null, 'compliance', null, true),
            ('s-mlro', 'Max Laundry', 'max@broker.example', null, 'mlro', null, true),
            ('s-lead', 'Lea Lead', 'lea@broker.example', null, 'leadership', null, true),
            ('s-data', 'Dan Data', 'dan@broker.example', null, 'data', null, true),
            ('s-part', 'Pan Partners', 'pan@broker.example', null, 'partners', null, true),
            ('s-sup', 'Sue Support', 'sue@broker.example', null, 'support', null, true)
        ) as s (staff_id, name, email, client_id, role, approval_limit_eur, is_active)""",
    "core.dim_partners": """
        select *, 'Partner ' || partner_id as name, 'CY' as entity, 0.1::decimal(9, 6) as holdback_pct, 90 as holdback_days,
            20::decimal(18, 8) as payout_minimum,
            if(partner_id = 'p-4', 'monthly+60', 'monthly') as payout_schedule
        from (values ('p-1', 'c-partner', 'active'), ('p-2', null, 'active'), ('p-3', null, 'suspended'), ('p-4', null, 'active'), ('p-5', null, 'active'))
            as p (partner_id, client_id, status)""",
    "partners.dim_partner_tree": """
        select * from (values ('p-1', 'p-1', 0), ('p-2', 'p-2', 0)) as t (partner_id, ancestor_id, level)""",
    "core.dim_accounts": f"""
        select 'mt5' as platform, (1000 + number)::bigint as login, 'c-' || name as client_id, 'EUR' as currency, 'open' as status, false as is_demo
        from {NAMES}
        union all values ('mt5', 1, 'c-gone', 'EUR', 'closed', false)""",
    "core.fct_fx_rates": """
        select base_currency, quote_currency, valid_from, null::timestamp as valid_to, rate::decimal(18, 8) as rate
        from (values ('EUR', 'USD', timestamp '2026-11-20 21:00:00', 1.25), ('USD', 'JPY', timestamp '2026-11-20 21:00:00', 150),
            ('GBP', 'USD', timestamp '2026-11-01 21:00:00', 1.5)) as r (base_currency, quote_currency, valid_from, rate)""",
    "trading.fct_account_daily": f"""
        select 'mt5' as platform, (1000 + number)::bigint as login, 'c-' || name as client_id, false as is_demo, date '2026-11-21' as day,
            1200::decimal(38, 8) as balance, 1100::decimal(38, 8) as equity, if(name = 'margin', 1.1, 11)::decimal(18, 8) as margin_level,
            timestamp '2026-11-21 23:59:59' as captured_at, 3::bigint as deals
        from {NAMES} where name <> 'margin'
        union all
        select 'mt5', 1003, 'c-margin', false, date '2026-11-21', 2000, 2000, 1.1, timestamp '2026-11-21 23:59:59', 3 where false
        union all
        -- the money is there, and taking it leaves less than the margin
        select 'mt5', 1003, 'c-margin', false, date '2026-11-21', 1200, 1200, 1.49, timestamp '2026-11-21 23:59:59', 3""",
    "finance.fct_client_balances_daily": f"""
        select 'c-' || name as client_id, code as account_code, 'EUR' as currency, date '2026-11-22' as day,
            case code when '2010' then if(name = 'approver_limit', -15000, -100) when '2015' then if(name = 'approver_limit', -9000, -400) else -3000 end
                ::decimal(38, 8) as closing
        from {NAMES}, (select unnest(['2010', '2015', '2020']) as code) where name <> 'nothing_known'
        union all values ('c-debt', '2010', 'EUR', date '2018-01-01', -0.01)""",
    "finance.dim_ledger_accounts": """
        select * from (values ('1010', 'asset', true), ('2010', 'liability', true), ('2020', 'liability', true), ('1020', 'asset', false)) as a
            (account_code, kind, is_client_money)""",
    "finance.fct_trial_balance": """
        select day, entity, account_code, 'EUR' as currency, balance::decimal(38, 8) as balance
        from (select unnest(['CY', 'AU']) as entity), (values ('1010', 1000.5), ('2010', -400.25), ('2020', -500), ('1020', 77)) as b (account_code, balance),
            (select unnest([date '2026-11-20', date '2026-11-21']) as day)""",
    "finance.fct_client_money_daily": """
        select entity, 'EUR' as currency, day, 900.25::decimal(38, 8) as requirement, held::decimal(38, 8) as resource, status, day + 1 as fund_by
        from (values ('AU', date '2026-11-21', 1000.5, 'due'), ('AU', date '2026-11-20', 800.25, 'due'), ('AU', date '2026-11-19', 800.25, 'funded'))
            as m (entity, day, held, status)""",
    "finance.rec_breaks": """
        select *, 'finance' as owner, null::varchar as comment, null::varchar as resolution, null::varchar as resolution_entry_id,
            null::varchar as resolved_by, null::timestamp as resolved_at
        from (values
            ('b-small', 'platform', 'balance_differs', date '2026-11-20', date '2026-11-21', 1, -12.34::decimal(38, 8), 'EUR', 'mt5:1001', 'c-good', 'CY', 'open'),
            ('b-large', 'platform', 'balance_differs', date '2026-11-02', date '2026-11-21', 15, 2000::decimal(38, 8), 'EUR', 'mt5:1002', 'c-good', 'UK', 'open'),
            ('b-gone', 'platform', 'balance_differs', date '2026-10-02', date '2026-10-21', 15, 5::decimal(38, 8), 'EUR', 'mt5:1002', 'c-good', 'CY', 'gone')
        ) as b (break_id, reconciliation, class, first_seen_on, last_seen_on, age_business_days, amount, currency, reference, client_id, entity, status)""",
    "finance.unposted_events": """
        select * from (values ('CY', 'client_unknown', timestamp '2026-07-05 10:00:00'), ('CY', 'demo', timestamp '2026-10-05 10:00:00')) as u
            (entity, reason, occurred_at)""",
    "compliance.fct_kyc_status": f"""
        select 'c-' || name as client_id, case name when 'kyc_status' then 'RE_KYC' when 'edd' then 'EDD' when 'ready' then 'IN_REVIEW' when 'unrated' then 'IN_REVIEW' else 'APPROVED' end as status, timestamp '2026-10-01' as status_since,
            timestamp '2026-10-01' as valid_from, null::timestamp as valid_to, null::timestamp as superseded_at, 'k-' || name as event_id
        from {EVERYBODY} where name <> 'nothing_known'
        union all values
            ('c-case', 'IN_REVIEW', timestamp '2026-11-20 09:00:00', timestamp '2026-11-20 09:00:00', null, null, 'k-case'),
            ('c-twin', 'EDD', timestamp '2026-11-20 09:00:00', timestamp '2026-11-20 09:00:00', null, null, 'k-twin'),
            ('c-gone', 'TERMINATED', timestamp '2019-11-20 09:00:00', timestamp '2019-11-20 09:00:00', null, null, 'k-gone')""",
    "compliance.fct_checks": f"""
        select 'rc-' || check_name || '-' || name as check_id, 'withdrawal' as subject_type, 'w-' || name as subject_id, check_name, 'pass' as result,
            {ASKED} as ran_at, 'desk' as system
        from {NAMES}, (select unnest(['balance', 'return_to_source']) as check_name)""",
    "leadership.fct_kpi_daily": """
        select date '2026-11-20' as day, 'CY' as entity, 'net_deposits' as kpi, 1234.5::decimal(38, 8) as value""",
    "compliance.fct_loss_percentage": """
        select date '2026-10-01' as calculation_date, 'CY' as entity, 0.4::decimal(18, 8) as published_loss_pct, 'calculated' as status
        union all values (date '2026-10-01', 'UK', 0.4, 'incomplete')""",
    "partners.fct_commission_accruals": """
        select 'p-1' as partner_id, 'USD' as currency, timestamp '2026-10-10' as executed_at, 100::decimal(38, 8) as amount, 'accrued' as status,
            'c-good' as client_id
        union all values ('p-4', 'USD', timestamp '2026-08-10', 12500, 'accrued', 'c-good'), ('p-5', 'USD', timestamp '2026-08-10', 15, 'accrued', 'c-good'), ('p-2', 'USD', timestamp '2026-10-11', 50, 'accrued', 'c-good'),
            ('p-3', 'USD', timestamp '2026-10-11', 50, 'accrued', 'c-good'), ('p-1', 'USD', timestamp '2026-10-12', 30, 'held', 'c-case'),
            ('p-1', 'USD', timestamp '2026-11-02', 7, 'accrued', 'c-good')""",
    "partners.fct_partner_statement": """
        select 'p-1' as partner_id, '2026-11' as period, 'USD' as currency, 137.009::decimal(38, 8) as open_accruals, 12000::decimal(38, 8) as payable,
            500::decimal(38, 8) as held_back, 0::decimal(38, 8) as released, 20::decimal(38, 8) as to_take_back
        union all values ('p-1', '2026-07', 'USD', 12600, 0, 40, 0, 0), ('p-2', '2026-10', 'USD', 50, 0, 0, 0, 0), ('p-3', '2026-10', 'USD', 50, 0, 0, 0, 0), ('p-4', '2026-08', 'USD', 12500, 0, 0, 0, 0),
            ('p-5', '2026-08', 'USD', 15, 0, 0, 0, 0)""",
    "quality.fct_quarantine": """
        select 7::bigint as load_id, number::bigint as row_number, status, '{"psp":"acme","event_id":"e1"}' as row, 'psp_transactions' as feed,
            'psp_transactions/a.csv' as path, ['kind: must be one of deposit'] as rules
        from (values (12, 'open'), (13, 'replayed')) as q (number, status)""",
}  # fmt: skip


def published(settings: Settings) -> Settings:
    """A home with this broker published in it."""
    return make(settings, MARTS)
