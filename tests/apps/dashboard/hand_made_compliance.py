"""The hand-made broker's identification files and loss percentage."""

COMPLIANCE = {
    "compliance.fct_kyc_files": """
        select 'c' || i as client_id, ['UK', 'CY', 'SC'][1 + i % 3] as entity, ['UK', 'CY', 'offshore'][1 + i % 3] as profile,
            ['APPROVED', 'IN_REVIEW', 'APPROVED'][1 + i % 3] as kyc_status, timestamp '2026-09-01' as status_since, 'yes' as can_deposit,
            'yes' as can_trade, 'yes' as can_withdraw, false as is_after_grace, 'clear' as identity, null::varchar as address, 'clear' as sanctions,
            'clear' as pep, 'clear' as adverse_media, 'pass' as appropriateness, 'retail' as category, 'low' as risk_rating, 65 as risk_score,
            'high' as score_rating, 'pays in by [crypto](x) (20)' as risk_factors, 'address' as lacks, timestamp '2026-09-01' as verified_at,
            timestamp '2026-09-01' as last_reviewed_at, timestamp '2029-09-01' as review_due_at, date '2026-12-01' as document_expires_on,
            null::timestamp as derogation_ends_at, 2500.5::decimal(38, 8) as deposits_eur, 'card' as deposit_methods, 'individual' as client_type,
            'CY' as country_of_residence, false as is_test
        from range(12) t (i)""",
    "compliance.fct_kyc_queue": """
        select 'c' || i as client_id, ['document_expired', 'to_decide', 'cysec_15_days'][1 + i % 3] as reason,
            ['UK', 'CY', 'SC'][1 + i % 3] as entity, [3, 5, 1][1 + i % 3] as priority,
            timestamp '2026-11-01' as since, if(i % 3 = 1, null, timestamp '2026-12-01') as due_at,
            i % 2 = 0 as is_overdue, 'The identity document: passport ran out on 2026-12-01' as why, 'k' || i as event_id, 'APPROVED' as kyc_status,
            timestamp '2026-09-01' as status_since, 'low' as risk_rating, 'retail' as category, 'CY' as profile, 10::decimal(38, 8) as deposits_eur,
            i = 11 as is_test
        from range(12) t (i)""",
    "compliance.fct_kyc_violations": """
        select 'c1' as client_id, 'p' as provider, 'k' || i as event_id, 'SUBMITTED' as from_status, 'TERMINATED' as to_status,
            'forbidden_transition' as rule, timestamp '2026-09-01' as occurred_at, timestamp '2026-09-02' as recorded_at,
            if(i = 1, timestamp '2026-09-03', null) as superseded_at, null::varchar as claimed_from_status, 'ST-03' as actor_id,
            'no row of the table leads there' as detail
        from range(2) t (i)""",
    "compliance.fct_kyc_status": """
        select 'c1' as client_id, 'IN_REVIEW' as status, timestamp '2026-09-01' as valid_from, null::timestamp as valid_to,
            timestamp '2026-09-01' as status_since, timestamp '2026-09-02' as recorded_at, null::timestamp as superseded_at, 'ST-03' as actor_id,
            'k1' as event_id""",
    "compliance.fct_loss_percentage": """
        select entity, day as calculation_date, 5::bigint as accounts, n::bigint as losing_accounts, (n / 5)::decimal(18, 8) as loss_pct,
            0.6::decimal(18, 8) as previous_loss_pct, status, (n / 5)::decimal(18, 8) as published_loss_pct,
            if(status = 'signed_off', 0.4, null)::decimal(18, 8) as signed_off_loss_pct, null::timestamp as signed_off_at, 'M1' as prepared_by,
            null::varchar as signed_off_by, 0.6::decimal(18, 8) as loss_pct_lifetime, 3::bigint as losing_accounts_lifetime, 1::bigint as entered,
            1::bigint as left_population, 1::bigint as turned_losing, 1::bigint as turned_winning, 0::bigint as accounts_without_valuation,
            0::bigint as accounts_not_tying, entity <> 'SC' as is_disclosed, entity = 'SC' as has_short_history,
            (day + interval 3 month)::date as next_due_on, (day + interval 3 month)::date - 14 as next_alert_on
        from (values ('CY', date '2026-10-01', 2, 'signed_off'), ('UK', date '2026-10-01', 3, 'incomplete'),
            ('SC', date '2026-10-01', 1, 'calculated'),
            ('CY', date '2026-07-01', 3, 'signed_off')) as f (entity, day, n, status)""",
    "compliance.fct_loss_accounts": """
        select ['UK', 'CY', 'SC'][1 + i % 3] as entity, date '2026-10-01' as calculation_date, 'mt5-1' as platform, 1000 + i as login,
            'c' || i as client_id, 'EUR' as currency, i < 15 as is_counted, if(i < 15, 'counted', 'no_open_position') as reason,
            timestamp '2025-10-01' as measured_from, timestamp '2026-10-01' as measured_to, (i - 5)::decimal(38, 8) as realised_profit,
            0::decimal(38, 8) as swap, 0::decimal(38, 8) as charges, 0::decimal(38, 8) as other_costs, 0::decimal(38, 8) as floating_start,
            0::decimal(38, 8) as floating_end, (i - 5)::decimal(38, 8) as result, i < 5 as is_losing, (i - 5)::decimal(38, 8) as lifetime_result,
            i < 5 as is_losing_lifetime, 0::decimal(38, 8) as equity_start, (i - 5)::decimal(38, 8) as equity_end, 0::decimal(38, 8) as net_deposits,
            0::decimal(38, 8) as credit_change, 0::decimal(38, 8) as write_offs, 0::decimal(38, 8) as adjustments,
            if(i = 7, 0.01, 0)::decimal(38, 8) as identity_difference, true as is_valued
        from range(18) t (i)""",
}  # fmt: skip
