"""A broker's database, opened for reading; whatever it fails with becomes one error that names it without its password."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

_CONNECT_SECONDS = 15
_DRIVERS = {
    **dict.fromkeys(("mysql", "mariadb"), "mysql+pymysql"),
    **dict.fromkeys(("postgres", "postgresql"), "postgresql+psycopg"),
}


class PullError(Exception):
    """The database could not be read; nothing that had landed is lost, and the next pull goes on from there."""


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    """An engine whose reads see one state each. Raises PullError."""
    engine = sa.create_engine(
        driver(url), isolation_level="REPEATABLE READ", connect_args={"connect_timeout": _CONNECT_SECONDS}
    )
    try:
        yield engine
    except (SQLAlchemyError, UnicodeDecodeError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise PullError(
            f"Reading {engine.url.render_as_string(hide_password=True)} failed: {cause}. Check that the server runs "
            "and that the user may SELECT; then pull again: it goes on where it stopped."
        ) from error
    finally:
        engine.dispose()


def driver(url: str) -> sa.URL:
    """The URL with the drivers that this project installs."""
    try:
        parsed = sa.make_url(url)
    except SQLAlchemyError as error:
        raise PullError(f"{url!r} is no database URL; one looks like mysql://user:password@host:3306/mt5.") from error
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
