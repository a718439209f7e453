with moments as (
    select * from (values
        ('request', 'as_it_was', $request_at::timestamp, $knowledge::timestamp),
        ('request', 'as_known_then', $request_at::timestamp, $known_at_request::timestamp),
        ('decision', 'as_it_was', $decision_at::timestamp, $knowledge::timestamp),
        ('decision', 'as_known_then', $decision_at::timestamp, $known_at_decision::timestamp)
    ) as points (point, clock, moment, knowledge)
    where moment is not null
)
