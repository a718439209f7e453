# ruff: noqa: E501  (a row of data is read across)
"""The hand-made broker's books: two accounts, three entries, a break of each reconciliation, client money, a closed period, a restatement."""

MONEY = "::decimal(38, 8)"

BREAKS = f"""
    select break_id, reconciliation, class, first_seen_on::date as first_seen_on, last_seen_on::date as last_seen_on, age::integer as age_business_days,
        amount{MONEY} as amount, 'EUR' as currency, reference, null::varchar as client_id, 'CY' as entity, status, owner, null::varchar as comment,
        resolution, null::varchar as resolution_entry_id, null::varchar as resolved_by, null::timestamp as resolved_at
    from (values
        ('psp:fee_differs:adyen:e2:0.5', 'psp', 'fee_differs', '2026-11-18', '2026-11-22', 2, 0.5, 'adyen:e2', 'open', 'finance', null),
        ('platform:mt5:7:2026-11-20:-12.34', 'platform', 'balance_differs', '2026-11-20', '2026-11-22', 1, -12.34, 'mt5:7', 'open', 'finance', null),
        ('bank:line_not_posted:CY-FIRM:S1:3:9', 'bank', 'line_not_posted', '2026-11-02', '2026-11-22', 14, 9, 'CY-FIRM:S1:3', 'open', 'finance', null),
        ('client_money:CY:EUR:2026-11-19', 'client_money', 'shortfall_not_funded', '2026-11-19', '2026-11-19', 0, -100, 'CY:EUR', 'gone', 'finance', 'the difference is gone'),
        ('partners:ledger_differs:p1:EUR:4', 'partners', 'ledger_differs', '2026-11-10', '2026-11-22', 8, 4, 'p1:EUR', 'resolved', 'partners', 'explained')
    ) as b (break_id, reconciliation, class, first_seen_on, last_seen_on, age, amount, reference, status, owner, resolution)"""

POSTINGS = f"""
    select entry_id, line_no::integer as line_no, account_code, 'EUR' as currency, amount{MONEY} as amount, client_id, 'CY' as entity,
        platform, login::bigint as login, 'adyen' as psp, bank_account, null::varchar as partner_id,
        day + time '10:00:00' as occurred_at, day as booked_on, day + time '11:00:00' as recorded_at
    from (values
        ('psp_transactions:adyen:e1:deposit:v1', 1, '1030', 1000, null, null, null, null, date '2026-11-18'),
        ('psp_transactions:adyen:e1:deposit:v1', 2, '2010', -1000, 'c1', null, null, null, date '2026-11-18'),
        ('deals:mt5:1:balance:v1', 1, '2010', 400, 'c1', null, null, null, date '2026-11-19'),
        ('deals:mt5:1:balance:v1', 2, '2020', -400, 'c1', 'mt5', 7, null, date '2026-11-19'),
        ('bank_statement_lines:CY-FIRM:S1:1:fee:v1', 1, '1020', -5, null, null, null, 'CY-FIRM', date '2026-11-02'),
        ('bank_statement_lines:CY-FIRM:S1:1:fee:v1', 2, '5100', 5, null, null, null, 'CY-FIRM', date '2026-11-02')
    ) as p (entry_id, line_no, account_code, amount, client_id, platform, login, bank_account, day)"""

BOOKS = {
    "finance.dim_ledger_accounts": """
        select * from (values ('1020', 'Firm bank', 'asset', false), ('1030', 'PSP receivable', 'asset', false), ('2010', 'Client wallet', 'liability', true),
            ('2020', 'Trading account cash', 'liability', true), ('5100', 'Bank charges', 'expense', false)) as a (account_code, name, kind, is_client_money)""",
    "finance.fct_postings": POSTINGS,
    "finance.fct_journal_entries": f"""
        select distinct entry_id, split_part(entry_id, ':', -2) as entry_type, split_part(entry_id, ':', 1) as source_feed,
            regexp_replace(entry_id, '^[a-z_]+:(.*):[a-z]+:v1$', '\\1') as source_key, 1::integer as version, 'rule' as rule_id,
            max(client_id) over (partition by entry_id) as client_id, entity, occurred_at, recorded_at, booked_on, null::varchar as reverses_entry_id,
            'A worked posting' as description, 1::bigint as source_load_id, 1::bigint as source_row_number
        from ({POSTINGS})""",
    "finance.fct_trial_balance": f"""
        with days as (select unnest(range(timestamp '2026-11-01', timestamp '2026-11-23', interval 1 day))::date as day)
        select days.day, 'CY' as entity, account_code, 'EUR' as currency,
            sum(case when booked_on = days.day and amount > 0 then amount else 0 end){MONEY} as debit,
            sum(case when booked_on = days.day and amount < 0 then -amount else 0 end){MONEY} as credit, sum(amount){MONEY} as balance
        from days inner join ({POSTINGS}) as p on p.booked_on <= days.day group by all""",
    "finance.fct_posting_coverage": """
        select 'psp_deposit' as rule_id, 'psp_transactions' as source_feed, 'deposit' as event_kind, 'any' as condition, 'deposit' as entry_type,
            'A deposit' as description, 1::bigint as entries, 0::bigint as reversals, null::timestamp as first_occurred_at,
            null::timestamp as last_occurred_at, null::varchar as last_entry_id""",
    "finance.unposted_events": f"""
        select 'psp_transactions' as source_feed, 'adyen:e9' as source_key, 'client_unknown' as reason, 'deposit' as event_kind, null::varchar as client_id,
            'CY' as entity, 'EUR' as currency, 9{MONEY} as amount, timestamp '2026-11-20 10:00:00' as occurred_at""",
    "finance.rec_breaks": BREAKS,
    "finance.rec_psp_matches": f"""
        select 'adyen' as psp, 'e' || i as event_id, 'deposit' as kind, 'completed' as status, 'c1' as client_id, 'CY' as entity, 'EUR' as currency,
            1000{MONEY} as amount, timestamp '2026-11-18 10:00:00' as occurred_at, 'D' || i as request_id,
            if(i = 1, 'psp_transactions:adyen:e1:deposit:v1', null) as entry_id, 'B1' as settlement_batch_id, null::varchar as bank_line_key,
            'request_id' as match_rule, 1::decimal(5, 4) as confidence, 0{MONEY} as amount_difference, 10{MONEY} as fee_expected, 10.5{MONEY} as fee_actual,
            0.5{MONEY} as fee_variance, null::timestamp as settled_at, null::date as received_on
        from range(1, 4) t (i)""",
    "finance.fct_psp_settlement_daily": f"""
        select 'adyen' as psp, 'CY' as entity, 'EUR' as currency, date '2026-11-18' as day, 3000{MONEY} as captured, 0{MONEY} as settled, 0{MONEY} as reserved,
            3000{MONEY} as gap, 0{MONEY} as reserve""",
    "finance.fct_psp_reserve_lots": f"""
        select 'adyen' as psp, 'h1' as event_id, 'B0' as settlement_batch_id, 'CY-FIRM' as bank_account, 'CY' as entity, 'EUR' as currency,
            date '2026-06-01' as held_on, date '2026-12-01' as matures_on, 100{MONEY} as amount, 0{MONEY} as released, 100{MONEY} as remaining""",
    "finance.rec_platform_daily": f"""
        select 'mt5' as platform, 7::bigint as login, day::date as day, 'c1' as client_id, 'CY' as entity, 'EUR' as currency, day + interval 23 hour as captured_at,
            400{MONEY} as ledger_balance, 412.34{MONEY} as platform_balance, -12.34{MONEY} as difference, 1::bigint as _horizon_load_id
        from range(timestamp '2026-11-20', timestamp '2026-11-23', interval 1 day) t (day)""",
    "finance.rec_bank_daily": f"""
        select 'CY-FIRM' as bank_account, day::date as day, 'EUR' as currency, 'CY' as entity, false as is_client_money, false as starts_at_statement,
            -5{MONEY} as ledger_balance, 4{MONEY} as statement_balance, -9{MONEY} as difference, 1::bigint as _horizon_load_id
        from range(timestamp '2026-10-31', timestamp '2026-11-02', interval 1 day) t (day)""",
    "finance.rec_partner_daily": f"""
        select 'p1' as partner_id, 'EUR' as currency, date '2026-11-10' as day, 10{MONEY} as accrued_lines, 0{MONEY} as adjustments, 0{MONEY} as payouts,
            14{MONEY} as ledger_balance, 14{MONEY} as open_accruals, 0{MONEY} as payable, 4{MONEY} as difference""",
    "finance.fct_client_balances_daily": f"""
        select 'c1' as client_id, '2010' as account_code, 'EUR' as currency, date '2026-11-19' as day, -1000{MONEY} as opening, 400{MONEY} as movement,
            -600{MONEY} as closing
        union all select 'c4', '2020', 'EUR', date '2026-11-19', 0{MONEY}, 150{MONEY}, 150{MONEY}""",
    "finance.fct_client_money_daily": f"""
        select 'CY' as entity, 'EUR' as currency, day::date as day, 'DI87-01' as regime, 1000{MONEY} as client_balances, 0{MONEY} as unidentified,
            1000{MONEY} as requirement, 900{MONEY} as resource, -100{MONEY} as difference, 100{MONEY} as psp_gap, 100{MONEY} as funding_instruction,
            day::date + 1 as fund_by, 100{MONEY} as funded, 0{MONEY} as remaining, 'funded' as status
        from range(timestamp '2026-11-16', timestamp '2026-11-23', interval 1 day) t (day)""",
    "finance.fct_periods": """
        select 'CY' as entity, '2026-10' as period, date '2026-10-01' as first_day, date '2026-10-31' as last_day, 'closed' as status, 'ST-05' as actor_id,
            'ST-06' as approved_by, timestamp '2026-11-04 16:00:00' as changed_at, 1::bigint as closes""",
    "leadership.fct_restatements": f"""
        select 'ledger_1030' as kpi, 'PSP receivable' as kpi_name, 'CY' as entity, 'EUR' as currency, date '2026-11-18' as as_of, 999{MONEY} as published_value,
            1000{MONEY} as restated_value, 'psp_transactions:adyen:e1' as caused_by, i = 1 as is_booked_later, timestamp '2026-11-20 06:00:00' as restated_at
        from range(2) t (i)""",
}  # fmt: skip
