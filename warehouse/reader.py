"""The one way to read: a publish, seen with one role's eyes, one cursor per query.

A DuckDB connection shared by threads can hand one query's rows to another, so every query takes a cursor of its own. Who may
read which mart, row and column stands in access.yml; a mart that a role is not given does not exist for it.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psutil
import yaml

from warehouse import lake
from warehouse.engine import WarehouseError, connect
from warehouse.settings import Settings

OPERATOR = "operator"
"""The person at the command line of the machine that holds the files: sees every mart unmasked, writes nothing."""


BALANCE_AS_OF = """
create macro balance_as_of(account, as_of, known_at) as table
select entity, currency, client_id, platform, login, sum(amount) as balance from finance.fct_postings
where account_code = account and occurred_at <= as_of::timestamp and recorded_at <= known_at::timestamp group by all having sum(amount) <> 0
"""
"""What an account of the ledger held at one moment as known at another (UTC, a debit positive), one row a holder."""


MEMORY, SPILL = "2GB", 20
"""What one reader may take: of memory, and GB of disk for what does not fit, yet never more than half of what is free."""


class Refused(WarehouseError):
    """This role may not read that; the message says so in words."""


class Reader:
    """Reads one publish for one role. Cheap to query from many threads, and costs about a second to open."""

    def __init__(
        self,
        settings: Settings,
        role: str = OPERATOR,
        publish_id: int | None = None,
        publish: lake.Publish | None = None,
        threads: int | None = None,
    ) -> None:
        """Reads the current publish, or the one with `publish_id`; a caller that holds a `publish` already saves the look-up.

        One thread is best for many small look-ups at once: sharing each among several costs more than the look-up itself.
        """
        self.role = role
        self.publish = publish or (lake.current(settings) if publish_id is None else _find(settings, publish_id))
        self._connection = connect(":memory:", settings)
        self._connection.execute(f"set memory_limit = '{MEMORY}'")
        spill(self._connection, settings)
        if threads is not None:
            self._connection.execute("set threads = $1", [threads])
        lake.attach(self._connection, settings, snapshot=self.publish.publish_id)
        self.marts = _show(self._connection, role)
        self._connection.execute("set allowed_directories = $1", [[settings.lake_data or str(settings.lake / "files")]])
        self._connection.execute("set enable_external_access = false")
        self._connection.execute("set lock_configuration = true")

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pl.DataFrame:
        """The rows of a select over `schema.mart`; decimals stay decimals. Parameters are bound, never pasted: $1, $2, or $name."""
        return self.relation(sql, parameters).pl()

    def relation(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> duckdb.DuckDBPyConnection:
        """An executed cursor, for results too large for one frame."""
        self._refuse_the_lake(sql)
        try:
            bound = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
            return self._connection.cursor().execute(sql, bound)
        except duckdb.OutOfMemoryException as error:
            raise WarehouseError(
                f"The query needs more than the {MEMORY} of memory and the {SPILL} GB of disk that one reader may take. "
                "Narrow it, or ask for it in parts."
            ) from error
        except duckdb.CatalogException as error:
            raise Refused(f"{error}\nThe role {self.role} sees: {', '.join(sorted(self.marts))}.") from error

    def close(self) -> None:
        self._connection.close()

    def _refuse_the_lake(self, sql: str) -> None:
        """Roles read views; whoever names the lake itself, or a file, goes around them."""
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type not in (
            duckdb.StatementType.SELECT,
            duckdb.StatementType.EXPLAIN,
        ):
            raise Refused("Only one select at a time; the published warehouse is read-only.")
        lowered = sql.lower()
        if self.role != OPERATOR and any(
            word in lowered for word in ("lake.", '"lake"', "ducklake", "__ducklake", "duckdb_", "from_substrait")
        ):
            raise Refused(f"The role {self.role} reads marts as schema.mart, never the lake itself.")


def spill(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Lets large queries go to disk within bounds, into a folder of this connection's own beside the lake: by itself DuckDB takes the folder
    that the command happens to run in, up to nine tenths of the disk, and two processes would write into the same files."""
    place = settings.root if os.access(settings.root, os.W_OK) else Path(tempfile.gettempdir())
    spilled = place / "spill"
    spilled.mkdir(exist_ok=True)
    for left in spilled.glob("*-*"):
        if not psutil.pid_exists(int(left.name.split("-")[0])):  # its process was killed
            shutil.rmtree(left, ignore_errors=True)
    folder = spilled / f"{os.getpid()}-{secrets.token_hex(4)}"
    gigabytes = min(SPILL, shutil.disk_usage(place).free // 2**31)
    connection.execute("set temp_directory = $1", [str(folder)])
    connection.execute("set max_temp_directory_size = $1", [f"{gigabytes}GB"])


def _find(settings: Settings, publish_id: int) -> lake.Publish:
    found = next((publish for publish in lake.publishes(settings) if publish.publish_id == publish_id), None)
    if found is None:
        raise WarehouseError(f"There is no publish {publish_id}. `daybook publish list` shows those that are kept.")
    return found


@cache
def access() -> dict[str, Any]:
    """access.yml: roles, pages, marts, masks. Default deny."""
    return yaml.safe_load((Path(__file__).parent / "access.yml").read_text(encoding="utf-8"))


def _show(connection: duckdb.DuckDBPyConnection, role: str) -> set[str]:
    """Makes a view schema.mart for every mart that the role may read, with its columns masked; gives their names."""
    rules = access()
    if role != OPERATOR and role not in rules["roles"]:
        raise Refused(f"There is no role {role}; known are {', '.join(rules['roles'])}.")
    tables = connection.execute(
        """
        select schema_name, table_name, list(column_name order by column_index) from duckdb_columns()
        where database_name = 'lake' and schema_name not in ('main', 'publish') group by all
        """
    ).fetchall()
    shown = set()
    for schema, table, columns in tables:
        mart = f"{schema}.{table}"
        if role != OPERATOR and not may_read(role, mart):
            continue
        connection.execute(f"create schema if not exists {schema}")
        selected = ", ".join(_column(role, column) for column in columns)
        connection.execute(f"create view {mart} as select {selected} from lake.{mart}{_rows(role, mart)}")
        shown.add(mart)
        if mart == "finance.fct_postings" and {"occurred_at", "recorded_at", "login"} <= set(columns):
            connection.execute(BALANCE_AS_OF)
    return shown


def may_read(role: str, mart: str) -> bool:
    """Whether access.yml gives the mart (or its whole schema) to the role."""
    granted = access()["roles"].get(role, {}).get("marts", [])
    return mart in granted or f"{mart.split('.', maxsplit=1)[0]}.*" in granted


def _column(role: str, column: str) -> str:
    rule = access()["columns"].get(column)
    if rule is None or role == OPERATOR or role in rule["clear"]:
        return f'"{column}"'
    return f'{access()["masks"][rule["mask"]].format(column=column)} as "{column}"'


def _rows(role: str, mart: str) -> str:
    condition = access()["roles"].get(role, {}).get("rows", {}).get(mart)
    return f" where {condition}" if condition else ""
