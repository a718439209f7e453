"""The operational store as first released. Its statements are frozen: what tables.py says later comes as a later revision."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Tables, indexes, the chain's genesis, and the triggers that keep append-only tables append-only."""
    connection = op.get_bind()
    script = Path(__file__).with_name(f"{revision}_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    for statement in script.split(";\n\n"):  # a trigger's own statements never end with an empty line
        connection.exec_driver_sql(statement.strip().removesuffix(";") + ";", execution_options={"no_parameters": True})
