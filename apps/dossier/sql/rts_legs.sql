-- Return to source: each leg as it should have gone, and as it went.
select leg_no, instrument_id, method, leg_kind, planned, actual, currency, is_accepted from compliance.fct_rts_legs where request_id = $id order by leg_no
