"""Where decisions are sent: webhooks, mail servers and folders, as data."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from warehouse.engine import WarehouseError
from warehouse.settings import Settings

DEFAULT = Path(__file__).with_name("destinations.yml")


class DestinationError(WarehouseError):
    """A destination is unknown, half described, or cannot be used; the message says which and what to write."""


class _Destination(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")
    subjects: tuple[str, ...] = Field(
        default=(),
        description="Subject types it gets; none named: every decision. `trigger`, `metric_alert` and `pack` must be named.",
    )
    decisions: tuple[str, ...] = Field(default=(), description="approve, reject; none named: both.")
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    def wants(self, subject_type: str, decision: str) -> bool:
        """Whether a final decision of this kind goes there."""
        return (not self.subjects or subject_type in self.subjects) and (
            not self.decisions or decision in self.decisions
        )


class File(_Destination):
    """A folder that gets one JSON file a decision, whole or not at all."""

    kind: Literal["file"]
    folder: Path


class Webhook(_Destination):
    """An HTTPS address that gets signed JSON by POST."""

    kind: Literal["webhook"]
    url: str

    @field_validator("url")
    @classmethod
    def https(cls, url: str) -> str:
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
            raise ValueError("must be https (http only on this machine)")
        return url


class Email(_Destination):
    """A mail server that gets one message a decision."""

    kind: Literal["email"]
    host: str
    port: int = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str
    to: tuple[str, ...] = Field(min_length=1)


Destination = Annotated[File | Webhook | Email, Field(discriminator="kind")]
_LIST = TypeAdapter(list[Destination])


def destinations(settings: Settings) -> dict[str, File | Webhook | Email]:
    """Every destination by name: of the home's destinations.yml where there is one, else of ours. Raises DestinationError."""
    path = settings.root / DEFAULT.name
    path = path if path.exists() else DEFAULT
    try:
        found = _LIST.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or [])
    except (ValidationError, yaml.YAMLError) as error:
        raise DestinationError(f"{path} cannot be used: {error}") from error
    by_name = {one.name: one for one in found}
    if len(by_name) < len(found):
        raise DestinationError(f"{path} names a destination twice; a name is what a message remembers.")
    return by_name


def secret(settings: Settings, name: str) -> str:
    """The destination's secret. Raises DestinationError, with the setting to write, where there is none."""
    found = settings.outbox_secrets.get(name)
    if found is None:
        raise DestinationError(
            f'The destination {name} needs a secret: DAYBOOK_OUTBOX_SECRETS=\'{{"{name}": "…"}}\' in the environment.'
        )
    return found.get_secret_value()
