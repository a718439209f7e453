"""The hand-made broker's monitoring: three scenarios, one of them not evaluated, alerts with evidence, and a small network of clients."""

MONITORING = {
    "compliance.dim_scenarios": """
        select * from (values
            ('A01', 'Structuring just below a limit', 'high', 'full', null, null, '1', false, 8::bigint, 8::bigint, 6::bigint, 2::bigint),
            ('A09', 'Shared attributes', 'critical', 'full', 'documents alone', null, '1', true, 2::bigint, 4::bigint, 4::bigint, 0::bigint),
            ('A16', 'Abuse of bonus', 'high', 'not_evaluated', null, 'account_snapshots', '1', false, 0::bigint, 0::bigint, 0::bigint, 0::bigint)
        ) as t (scenario, title, severity, evaluation, evaluated_on, missing_feeds, versions, holds_money, alerts, clients_concerned, open_alerts,
            false_positives)""",
    "compliance.dim_scenario_parameters": """
        select * from (values
            ('A01', 'all', '1', 'deposits', 3::decimal(38, 8), timestamp '2015-01-01', null::timestamp),
            ('A01', 'all', '1', 'window_days', 10::decimal(38, 8), timestamp '2015-01-01', null::timestamp)
        ) as t (scenario, entity, version, parameter, value, valid_from, valid_to)""",
    "compliance.fct_alerts": """
        select *, greatest(window_end, created_at) as last_evidence_at from (
        select 'A01-' || i as alert_id, 'A01-g' || i as group_id, 'A01' as scenario, '1' as scenario_version, 'c' || i as client_id,
            timestamp '2026-11-01 09:00:00' + interval (i) day as window_start, timestamp '2026-11-04 09:00:00' + interval (i) day as window_end,
            (5400 + i)::decimal(38, 8) as amount_eur, 0.8::decimal(5, 4) as score,
            ['psp_transactions:adyen:e' || i, 'psp_transactions:adyen:x'] as evidence,
            if(i < 6, 'NEW', 'CLOSED_FP') as status, timestamp '2026-11-05 06:00:00' + interval (i) day as created_at, 'c' || i as person_id,
            ['UK', 'CY', 'SC'][1 + i % 3] as entity, 'high' as severity, null::varchar as evaluated_on, '3 deposits just below EUR 2000.00' as detail,
            '{"deposits": "3.00000000"}' as parameters, false as is_reopened, false as holds_money
        from range(8) t (i)
        union all
        select 'A09-' || i, 'A09-g' || (i // 2), 'A09', '1', 'c' || (10 + i), timestamp '2026-11-10', timestamp '2026-11-12', null, 0.9,
            ['psp_transactions:adyen:e' || i], 'NEW', timestamp '2026-11-13', 'c' || (10 + i), 'CY', 'critical', 'document fingerprints alone',
            '2 persons share a instrument', '{}', true, true
        from range(4) t (i))""",
    "compliance.fct_person_links": """
        select * from (values
            ('instrument', 'h1', 'c10', 'c11', 'c10', 'c11', false), ('device', 'h2', 'c11', 'c12', 'c11', 'c12', false),
            ('name_birth', 'h3', 'c12', 'c13', 'c12', 'c12', true), ('email', 'h4', 'c12', 'c13', 'c12', 'c12', false)
        ) as t (attribute, value_hash, from_id, to_id, from_person_id, to_person_id, is_same_person),
        (select timestamp '2026-11-10' as since, ['clients:c10:2026-01-01'] as evidence, timestamp '2026-11-11' as recorded_at)""",
}
