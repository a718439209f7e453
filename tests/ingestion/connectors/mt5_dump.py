"""The sample dump of an MT5 SQL export, loaded into a MariaDB or a PostgreSQL."""

import re
from pathlib import Path

import sqlalchemy as sa

from tests.ingestion.connectors.samples import sample


def statements(path: Path) -> list[str]:
    """The statements of a dump, without its comments."""
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [part.strip() for part in re.split(r";\s*$", text, flags=re.MULTILINE) if part.strip()]


def for_postgresql(statement: str) -> str:
    """The dump's DDL and rows in PostgreSQL's words, names as MetaTrader spells them."""
    for mysql, standard in (
        (r"\bdatetime\(6\)|\bdatetime\b", "timestamp"),
        (r"\b(big)?int\(\d+\)( unsigned)?", "bigint"),
        (r"\bdouble\b", "double precision"),
        (r"DEFAULT '0000-00-00[^']*'", "DEFAULT '1970-01-01 00:00:00'"),
        (r"\) ENGINE=.*$", ")"),
        (r"`", '"'),
    ):
        statement = re.sub(mysql, standard, statement)
    return statement


def execute(url: str, *commands: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for command in commands:
            connection.exec_driver_sql(command.replace("%", "%%") if "pymysql" in url else command)
    engine.dispose()


def load_dump(url: str) -> None:
    folder = sample("mt5", "gana_mt5_sql_export_2019")
    dump = [part for name in ("deals", "accounts", "time") for part in statements(folder / f"mt5_{name}.sql")]
    execute(url, *(for_postgresql(part) if "postgresql" in url else part for part in dump))


def sql(url: str, statement: str) -> str:
    return statement.replace("`", '"') if "postgresql" in url else statement


def backslash(url: str) -> str:
    return "\\" if "postgresql" in url else "\\\\"
