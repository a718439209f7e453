"""The receiver: `POST /webhooks/<provider>`. A body is on the disk before its 200; whatever cannot be so gets no 200.

| answer | when |
|---|---|
| 200 | it is safe, or it was before (the same bytes again are stored once) |
| 401 | no proof, a wrong one, one signed before the replay window, or an event too long ago |
| 404 | a provider that is not taken: no secret, or no such provider |
| 413 | larger than `webhook_bytes` |
| 503 | too many wait to be loaded, or come at once, or the disk does not take it; come again |
"""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ingestion.webhook_proofs import Delivery
from ingestion.webhooks import Scheme, happened_at, is_genuine, taken, waiting
from warehouse.settings import Settings

REPLAY_SECONDS = 300
"""How old a signed time of sending may be: what providers themselves recommend."""
RETRY_SECONDS = "10"

log = logging.getLogger("daybook.webhooks")


class Declined(Exception):
    """A request that gets no 200: the answer's status, its one word, and whether to come again."""

    def __init__(self, status: int, said: str, *, retry: bool = False) -> None:
        super().__init__(said)
        self.status, self.said, self.retry = status, said, retry


def application(settings: Settings) -> Starlette:
    """The ASGI application. What was wrong with a body stands in our log, not in its sender's."""
    providers = taken(settings)
    places = asyncio.Semaphore(settings.webhook_at_once)

    async def receive(request: Request) -> Response:
        try:
            if places.locked():
                raise Declined(503, "busy", retry=True)
            async with places:
                return PlainTextResponse(await _received(settings, providers, request))
        except Declined as answer:
            later = {"Retry-After": RETRY_SECONDS} if answer.retry else None
            return JSONResponse({"status": answer.said}, answer.status, headers=later)

    async def alive(_: Request) -> Response:
        return JSONResponse({"providers": sorted(providers)})

    return Starlette(
        routes=[Route("/webhooks/{provider}", receive, methods=["POST"]), Route("/healthz", alive, methods=["GET"])]
    )


async def _received(settings: Settings, providers: Mapping[str, Scheme], request: Request) -> str:
    """What the provider wants to hear, once its body is safe; raises Declined."""
    name = request.path_params["provider"]
    scheme = providers.get(name)
    if scheme is None:
        raise Declined(404, "unknown")
    body = await _body(request, settings.webhook_bytes)
    delivery = Delivery(request.headers, body, request.client.host if request.client else "")
    refusal = _refusal(scheme, delivery, settings.webhook_secrets[name].get_secret_value())
    if refusal:
        log.warning("%s: refused, %s (sha256 %s)", name, refusal, hashlib.sha256(body).hexdigest())
        raise Declined(401, "refused")
    try:
        if await asyncio.to_thread(_count, waiting(settings, scheme)) >= settings.webhook_waiting:
            raise Declined(503, "too many wait", retry=True)
        await asyncio.to_thread(store, settings, scheme, name, body)
    except OSError as error:
        log.error("%s: not stored: %s", name, error)
        raise Declined(503, "not stored", retry=True) from error
    return scheme.answer


async def _body(request: Request, most: int) -> bytes:
    """The exact bytes; declined before more than `most` are held."""
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > most:
        raise Declined(413, "too large")
    held = bytearray()
    try:
        async for part in request.stream():
            held += part
            if len(held) > most:
                raise Declined(413, "too large")
    except ClientDisconnect as error:
        raise Declined(400, "cut off") from error
    return bytes(held)


def _refusal(scheme: Scheme, delivery: Delivery, secret: str) -> str | None:
    """Why a body is not taken; None when it is genuine and of now."""
    if not is_genuine(scheme, delivery, secret):
        return "the signature does not fit"
    if scheme.signed_at is not None:
        sent = scheme.signed_at(delivery)
        if sent is None or abs(time.time() - float(sent)) > REPLAY_SECONDS:
            return "it was signed too long ago"
    happened = happened_at(scheme, delivery.body)
    if happened is not None and time.time() - happened > scheme.age_seconds:
        return "its event lies too far back"
    return None


def store(settings: Settings, scheme: Scheme, provider: str, body: bytes) -> bool:
    """Puts the body into the landing folder, whole and synced to the disk; False when these bytes are there or were loaded before.

    Raises OSError when the disk does not take it.
    """
    digest = hashlib.sha256(body).hexdigest()
    folder = waiting(settings, scheme)
    target = folder / f"{provider}-{digest}.{scheme.ending}"
    if target.exists() or (settings.archive / digest).exists():
        return False
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _sync(folder.parent)
    part = folder / f".{provider}-{digest}-{os.getpid()}-{time.monotonic_ns()}.part"
    try:
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    _sync(folder)
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _count(folder: Path) -> int:
    return sum(1 for _ in os.scandir(folder)) if folder.exists() else 0
