-- Every version of every check that another system ran on a withdrawal, under our own name of the check.
with versions as (select * from {{ known_versions('risk_checks', ['system', 'check_id']) }}),

names as (select * from {{ ref('risk_check_names') }})

select
    versions.system,
    versions.check_id,
    versions.subject_id as request_id,
    coalesce(names.check_name, versions.check_name) as check_name,
    versions.result,
    versions.ran_at,
    versions.recorded_at,
    versions.superseded_at
from versions
left join names on lower(versions.check_name) = names.source_name
where coalesce(versions.subject_type, 'withdrawal') = 'withdrawal'
