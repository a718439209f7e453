-- What the ledger held for the client at each point, on both clocks: wallet (2010), withdrawal hold (2015), trading accounts (2020); positive is theirs.
{moments}

select
    moments.point, moments.clock, postings.account_code, postings.currency, postings.platform, postings.login,
    sum(-postings.amount)::decimal(38, 8) as balance
from finance.fct_postings as postings, moments
where
    postings.client_id = $client_id and postings.account_code in ('2010', '2015', '2020')
    and postings.occurred_at <= moments.moment and postings.recorded_at <= moments.knowledge
group by all
having sum(postings.amount) <> 0
order by all
