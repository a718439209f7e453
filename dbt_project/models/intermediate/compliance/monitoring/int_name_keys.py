"""Names made comparable: any script in plain Latin letters, lower case, the words in alphabetical order."""

import re

from anyascii import anyascii

WORD = re.compile(r"[a-z0-9]+")


def name_key(name):
    """The words of the name, transliterated and sorted; None when nothing is left. Apostrophes join, every other sign parts.

    >>> name_key("Müller-Weiß, Jörg")
    'jorg muller weiss'
    """
    plain = anyascii(name).lower().replace("'", "").replace("`", "")
    return " ".join(sorted(WORD.findall(plain))) or None


def model(dbt, session):
    """One row per name. A name's key never changes, so an increment makes those of new names alone."""
    dbt.config(materialized="incremental", incremental_strategy="append")
    import pyarrow as pa

    names = dbt.ref("int_names")
    if dbt.is_incremental:
        names = names.filter(f"name not in (select known.name from {dbt.this} as known)")
    found = sorted(name for (name,) in names.fetchall())
    return pa.table(
        {"name": pa.array(found, pa.string()), "name_key": pa.array([name_key(one) for one in found], pa.string())}
    )
