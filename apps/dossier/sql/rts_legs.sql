-- Return to source: each leg as it should have gone, and as it went.
select leg_no, instrument_id, planned, actual from compliance.fct_rts_legs where request_id = $id order by leg_no
