"""New deals for a home that has deals: the newest closed positions traded once more, later and under new ids."""

import contextlib
from pathlib import Path

from warehouse.engine import connect
from warehouse.settings import Settings

QUERY = """
copy (
    with positions as (
        select platform, position_id from raw.deals
        where position_id is not null
        group by platform, position_id
        having count(*) = 2 and bool_and(entry in ('in', 'out') and _version = 1 and not coalesce(is_cancelled, false))
        order by max(executed_at) desc, position_id limit {positions}
    ),
    highest as (select max(deal_id) as deal_id from raw.deals)
    select
        deals.* exclude (
            deal_id, position_id, order_id, executed_at, source_version, _extra, _load_id, _file_sha256, _row_number, recorded_at, _version, _row_hash
        ),
        highest.deal_id + row_number() over (order by deals.executed_at, deals.deal_id) as deal_id,
        '{name}-' || deals.position_id as position_id,
        '{name}-' || deals.order_id as order_id,
        deals.executed_at + interval 3 hour as executed_at
    from raw.deals as deals
    inner join positions on deals.platform = positions.platform and deals.position_id = positions.position_id
    cross join highest
) to '{file}' (format parquet)
"""


def write_new_deals(settings: Settings, deals: int, name: str) -> Path:
    """Puts one Parquet file of about `deals` new deals (half open, half close) into the landing folder, whole at once."""
    folder = settings.landing / "deals"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished, file = folder / f".{name}.parquet", folder / f"{name}.parquet"
    with contextlib.closing(connect(settings.build_file, settings, read_only=True)) as connection:
        connection.execute(QUERY.format(positions=deals // 2, name=name, file=unfinished))
    unfinished.rename(file)
    return file
