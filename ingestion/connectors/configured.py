"""Settings of connectors: an optional file `connectors.yml` in the home, one entry a connector, its keys that connector's settings.

    mt5_report:
      time_zone: +120 us        # the server's clock: minutes east of UTC, with the daylight rule of the US
    adyen_settlement:
      bank_accounts: {USD: GB33BUKB20201555555555}

A connector states its settings as the fields of its class; a YAML connector has none of its own.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

import yaml
from pydantic import ConfigDict, ValidationError, create_model

from ingestion.connectors.base import Connector
from ingestion.connectors.bodies import Bodies


class WrongSettings(ValueError):
    """The settings file cannot be used; the text names file, key and remedy."""


def configured(known: Mapping[str, Connector], path: Path) -> Mapping[str, Connector]:
    """The connectors with the settings of `path`; the same ones where there is no such file. Raises WrongSettings."""
    if not path.exists():
        return known
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise WrongSettings(f"{path.name} is no readable YAML: {error}. Correct it or move it away.") from error
    if not isinstance(document, dict):
        raise WrongSettings(
            f"{path.name} must map connectors to their settings, such as `mt5_report: {{time_zone: 120}}`."
        )
    changed = dict(known)
    for name, settings in document.items():
        if name not in known:
            raise WrongSettings(f"{path.name}: there is no connector {name!r}. `daybook connectors` lists them.")
        changed[name] = _with_settings(known[name], settings, f"{path.name}, {name}")
    return MappingProxyType(changed)


def _with_settings(connector: Connector, settings: object, place: str) -> Connector:
    names = [field.name for field in dataclasses.fields(connector)] if dataclasses.is_dataclass(connector) else []  # type: ignore[arg-type]
    names = [] if isinstance(connector, Bodies) else [name for name in names if name != "spec"]
    if not isinstance(settings, dict):
        raise WrongSettings(f"{place}: must be keys with values; it knows {', '.join(names) or 'none'}.")
    hints = get_type_hints(type(connector))
    fields: dict[str, Any] = {name: (hints[name], None) for name in names}
    model = create_model("Settings", __config__=ConfigDict(extra="forbid"), **fields)
    try:
        given = model.model_validate(settings).model_dump(exclude_unset=True)
        return dataclasses.replace(connector, **given)  # type: ignore[type-var]
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise WrongSettings(f"{place}.{key}: {first['msg']}. It knows {', '.join(names) or 'no settings'}.") from error
    except ValueError as error:
        raise WrongSettings(f"{place}: {error}.") from error
