"""Clients, trading and tickets for the hand-made broker, written straight into the marts."""

CLIENTS = "range(60) t (i)"
DAY = "(date '2026-11-01' + (i % 21)::integer)"
GROWTH = {
    "core.dim_clients": f"""
        select 'c' || i as client_id, ['UK', 'CY', 'SC'][1 + i % 3] as entity, if(i = 7, 'Aleksandra', 'Ann') as first_name,
            if(i = 7, 'Kowalczyk', 'Lee') as last_name, null::varchar as company_name, 'c' || i || '@mail.example' as email,
            '+357000' || i as phone,
            date '1980-01-01' as birth_date, 'Street ' || i as address, 'APPROVED' as kyc_status, 'low' as risk_rating,
            'trading' as lifecycle_stage,
            if(i % 2 = 0, 'p' || (i % 12), null) as partner_id, 'CY' as country_of_residence, false as is_test, true as marketing_consent,
            timestamp '2026-09-01' as registered_at
        from {CLIENTS}""",
    "core.dim_accounts": f"""
        select 'mt5-1' as platform, (500100 + i)::bigint as login, 'c' || i as client_id, 'standard' as account_type, 'A' as book,
            'USD' as currency,
            30::bigint as leverage, 'open' as status, false as is_demo, false as is_test, timestamp '2026-09-02' as opened_at from {CLIENTS}""",
    "operations.dim_instruments": f"""
        select 'c' || i as client_id, 'fp_' || lpad(i::varchar, 8, '0') as instrument_id, 'card' as method, 'Ann Lee' as instrument_holder,
            timestamp '2026-09-03' as first_seen_at, timestamp '2026-09-03' as last_seen_at, 1::bigint as clients from {CLIENTS}""",
    "compliance.fct_audit_events": f"""
        select 'kyc_events:x:' || i as event_id, 'kyc' as stream, 'c' || i as stream_id, 'kyc.document_received' as event_type, 'c' || i as client_id,
            timestamp '2026-09-02' as occurred_at, timestamp '2026-09-02' as recorded_at, null::varchar as reason, 'kyc_events' as source_feed,
            'x:' || i as source_key, '{{"document_type": "passport", "document_expires_on": "2027-01-01"}}' as after, null::bigint as seq
        from {CLIENTS}""",
    "compliance.fct_kyc_status": f"""
        select 'c' || i as client_id, 'APPROVED' as status, timestamp '2026-09-03' as valid_from, null::timestamp as valid_to,
            timestamp '2026-09-03' as status_since, timestamp '2026-09-03' as recorded_at, null::timestamp as superseded_at, 's1' as actor_id,
            'e' || i as event_id from {CLIENTS}""",
    "compliance.fct_alerts": f"""
        select 'A01:c' || i as alert_id, 'A01' as scenario, 'c' || i as client_id, 'open' as status, timestamp '2026-10-01' as created_at
        from {CLIENTS}""",
    "growth.fct_lifecycle_events": f"""
        select 'c' || i as client_id, 'registered' as stage, timestamp '2026-09-01' as entered_at,
            'the client registered' as reason from {CLIENTS}""",
    "growth.fct_client_months": f"""
        select 'c' || i as client_id, date '2026-11-01' as month, 1000::decimal(38, 8) as deposits_usd, 900::decimal(38, 8) as net_deposits_usd,
            40::decimal(38, 8) as revenue_usd, 5::decimal(38, 8) as commission_usd, 35::decimal(38, 8) as net_revenue_usd,
            2::decimal(38, 8) as lots,
            4::bigint as deals from {CLIENTS}""",
    "growth.fct_onboarding_funnel": f"""
        select 'c' || i as client_id, ['UK', 'CY', 'SC'][1 + i % 3] as entity, 'ads' as lead_source, if(i % 2 = 0, 'p', null) as partner_id,
            false as is_test,
            null::timestamp as lead_at, {DAY}::timestamp as registered_at, {DAY}::timestamp as kyc_submitted_at,
            {DAY}::timestamp as kyc_approved_at,
            {DAY}::timestamp as first_account_at, if(i < 40, {DAY} + interval (i) hour, null) as first_deposit_at,
            if(i < 30, {DAY} + interval 3 day, null) as first_trade_at, if(i < 40, i, null)::decimal(18, 4) as hours_to_fund,
            null::timestamp as second_deposit_at, 10::decimal(38, 8) as first_deposit_usd, 10::decimal(38, 8) as first_day_deposits_usd
        from {CLIENTS}""",
    "growth.fct_leads": f"""
        select 'l' || i as lead_id, {DAY}::timestamp as created_at, 'ads' as source, 'x' as campaign, null::varchar as partner_id, 'CY' as country,
            'UK' as entity, false as is_test, null::timestamp as registered_at, null::timestamp as kyc_submitted_at,
            null::timestamp as kyc_approved_at,
            null::timestamp as first_deposit_at, null::timestamp as first_trade_at from range(30) t (i)""",
    "growth.fct_time_to_fund": """
        select 'registered' as counted_from, 'all' as entity, i::integer as day, (60 - i)::bigint as at_risk, 1::bigint as funded,
            0::bigint as censored,
            (i / 60.0)::decimal(18, 8) as funded_share from range(58) t (i)""",
    "growth.fct_retention": """
        select date '2026-06-01' + to_months((i // 5)::integer) as cohort_month, 'UK' as entity, (i % 5)::integer as month_no,
            20::bigint as cohort_size,
            (20 - 3 * (i % 5))::bigint as active_clients, 10::decimal(38, 8) as net_revenue_usd,
            (10 * (1 + i % 5))::decimal(38, 8) as cumulative_net_revenue_usd,
            true as is_complete from range(20) t (i)""",
    "growth.fct_cohorts": """
        select 'registered_to_funded' as step, date '2026-06-01' as cohort_month, 'UK' as entity, 30 as horizon_days, 20::bigint as cohort_size,
            12::bigint as reached, 0.6::decimal(18, 8) as rate, true as is_matured""",
    "growth.fct_activity_monthly": """
        select date '2026-11-01' as month, 'UK' as entity, 20::bigint as active_clients, 4::bigint as new_clients, 1::bigint as reactivated_clients,
            19::bigint as active_before, 3::bigint as churned_clients, true as is_complete""",
    "growth.dim_segments": f"""
        select 'c' || i as client_id, ['value_high_risk_low', 'risk_flagged', 'near_inactive'][1 + i % 3] as segment, 'because' as reason,
            timestamp '2026-11-01' as valid_from, null::timestamp as valid_to from {CLIENTS}""",
    "growth.fct_triggers": f"""
        select 'no_order_14_days:v1:c' || i as trigger_id, 'no_order_14_days' as rule, 1 as rule_version, 'c' || i as client_id,
            {DAY}::timestamp as fired_at,
            '{{}}' as payload, if(i % 4 = 0, 'hold_out', null) as suppressed_reason, if(i % 4 = 1, {DAY}::timestamp, null) as delivered_at,
            'converted' as outcome, 'UK' as entity from {CLIENTS}""",
    "growth.fct_trigger_effect": """
        select 'no_order_14_days' as rule, 1 as rule_version, 70::bigint as treated, 70::bigint as delivered, 56::bigint as treated_converted,
            0.8::decimal(18, 8) as treated_rate, 80::bigint as held_out, 48::bigint as held_out_converted, 0.6::decimal(18, 8) as held_out_rate,
            0.2::decimal(18, 8) as effect, 0.05243147::decimal(18, 8) as effect_lower, 0.33387265::decimal(18, 8) as effect_upper""",
    "trading.fct_profitability_daily": f"""
        select 'mt5-1' as platform, (500100 + i)::bigint as login, {DAY} as day, ['EURUSD', 'XAUUSD'][1 + i % 2] as symbol, 'c' || i as client_id,
            ['UK', 'CY', 'SC'][1 + i % 3] as entity, ['A', 'B'][1 + i % 2] as book, 'USD' as currency, 'fx_majors' as symbol_group,
            false as is_demo,
            false as is_test, 12::bigint as deals, 6::bigint as closings, (i % 7)::bigint as short_held_closings, 2::bigint as won_closings,
            3::decimal(38, 8) as lots, 1::decimal(38, 8) as closed_lots, 300000::decimal(38, 8) as notional_usd,
            -20::decimal(38, 8) as trade_profit,
            0::decimal(38, 8) as trade_swap, -5::decimal(38, 8) as trade_commission, 0::decimal(38, 8) as spread_usd,
            1::decimal(18, 8) as fx_rate_usd,
            -25::decimal(38, 8) as client_result_usd, 25::decimal(38, 8) as revenue_usd from {CLIENTS}""",
    "trading.fct_exposure": """
        select ['UK', 'CY'][1 + i % 2] as entity, ['A', 'B'][1 + i // 2 % 2] as book, ['EURUSD', 'XAUUSD'][1 + i // 4 % 2] as symbol,
            timestamp '2026-11-20 23:59:59' + interval (i // 8) day as captured_at, (5 - i)::decimal(38, 8) as client_lots,
            1::decimal(38, 8) as lp_lots,
            (4 - i)::decimal(38, 8) as net_lots, (400000 - 100000 * i)::decimal(38, 8) as notional_usd, 5::decimal(38, 8) as client_long_lots,
            i::decimal(38, 8) as client_short_lots from range(16) t (i)""",
    "trading.fct_slippage_daily": f"""
        select {DAY} as day, 'UK' as entity, 'A' as book, 'EURUSD' as symbol, 10::bigint as orders, 4::bigint as better_orders,
            5::bigint as worse_orders,
            12::decimal(38, 8) as lots, (i - 30)::decimal(38, 8) as slippage_usd from {CLIENTS}""",
    "trading.fct_account_daily": f"""
        select 'mt5-1' as platform, (500100 + i)::bigint as login, {DAY} as day, 'c' || i as client_id, ['UK', 'CY', 'SC'][1 + i % 3] as entity,
            'A' as book,
            'USD' as currency, false as is_demo, false as is_test, 900::decimal(38, 8) as balance, 0::decimal(38, 8) as credit,
            800::decimal(38, 8) as equity,
            -100::decimal(38, 8) as floating_pnl, (0.4 + i / 20.0)::decimal(18, 8) as margin_level,
            {DAY} + interval 23 hour as captured_at from {CLIENTS}""",
    "operations.fct_tickets": f"""
        select 't' || i as ticket_id, 'c' || i as client_id, {DAY} + interval 9 hour as opened_at,
            if(i % 5 = 0, null, {DAY} + interval 11 hour) as first_response_at,
            if(i % 3 = 0, null, {DAY} + interval 15 hour) as closed_at, i % 6 = 0 as reopened, i % 10 = 0 as is_complaint,
            ['high', 'normal', 'urgent'][1 + i % 3] as priority, ['email', 'chat'][1 + i % 2] as channel, i % 5 <> 0 as sla_met,
            'withdrawal' as topic,
            7200::bigint as first_response_seconds, timestamp '2026-11-22' as recorded_at from {CLIENTS}""",
    "operations.fct_ticket_times": f"""
        select 't' || i as ticket_id, 'c' || i as client_id, ['UK', 'CY', 'SC'][1 + i % 3] as entity, false as is_test,
            {DAY} + interval 9 hour as opened_at,
            if(i % 5 = 0, null, {DAY} + interval 11 hour) as first_response_at, if(i % 3 = 0, null, {DAY} + interval 15 hour) as closed_at,
            if(i % 5 = 0, null, 900 * i)::bigint as response_business_seconds, 7200::bigint as resolution_business_seconds,
            14400::bigint as target_business_seconds, i % 5 <> 0 as sla_met, 1::bigint as replies, 0::bigint as reopenings,
            i % 2 = 0 as is_first_contact_resolved from {CLIENTS}""",
    "operations.fct_communications": f"""
        select 'm' || i as communication_id, 'c' || i as client_id, timestamp '2026-10-01' as occurred_at, 'call' as channel, 'out' as direction,
            's1' as staff_id, 'welcome' as subject, 'reached' as outcome from {CLIENTS}""",
}  # fmt: skip
