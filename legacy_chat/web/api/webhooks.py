"""`/webhooks`: where events are sent, and how that went."""

from __future__ import annotations

from typing import Any

from ...core.api import (
    UNSET,
    CreatedWebhook,
    DeliveryInfo,
    DeliveryPage,
    NewWebhook,
    Page,
    WebhookChange,
    WebhookInfo,
    WebhookList,
)
from ...core.webhooks import Delivery, Webhook
from ...errors import NotFound, Unavailable
from .operation import Call, Operations
from .rooms import page_number

operations = Operations()
WEBHOOK = "/webhooks/<int:id>"
DELIVERIES = f"{WEBHOOK}/deliveries"


@operations("GET", "/webhooks", "webhooks", answer=WebhookList)
def list_webhooks(call: Call) -> WebhookList:
    """Every webhook, without its secret"""
    return WebhookList(webhooks=[_info(webhook) for webhook in call.services.webhooks.list()])


@operations("POST", "/webhooks", "webhooks", body=NewWebhook, answer=CreatedWebhook, status=201, errors=(Unavailable,))
def create_webhook(call: Call) -> CreatedWebhook:
    """Send events to an address of yours

    The secret, with which each delivery is signed (Standard Webhooks), is in this answer alone.
    """
    new = call.body
    webhook = call.services.webhooks.create(new.url, new.events, None if new.secret is UNSET else new.secret)
    return CreatedWebhook(secret=webhook.secret, **_fields(webhook))


@operations("GET", WEBHOOK, "webhooks", answer=WebhookInfo, errors=(NotFound,))
def get_webhook(call: Call) -> WebhookInfo:
    """One webhook"""
    return _info(call.services.webhooks.get(call.path["id"]))


@operations("PATCH", WEBHOOK, "webhooks", body=WebhookChange, answer=WebhookInfo, errors=(NotFound,))
def change_webhook(call: Call) -> WebhookInfo:
    """Change its address or events, stop it or start it again"""
    change = call.body
    given = {name: getattr(change, name) for name in ("url", "events", "enabled")}
    return _info(
        call.services.webhooks.update(
            call.path["id"], **{name: value for name, value in given.items() if value is not UNSET}
        )
    )


@operations("DELETE", WEBHOOK, "webhooks", status=204, errors=(NotFound,))
def delete_webhook(call: Call) -> None:
    """Send nothing more, and forget its deliveries"""
    call.services.webhooks.delete(call.path["id"])


@operations("GET", DELIVERIES, "webhooks", query=Page, answer=DeliveryPage, errors=(NotFound,))
def list_deliveries(call: Call) -> DeliveryPage:
    """What was sent and what waits, the newest first"""
    webhook, query = call.path["id"], call.query
    before = page_number(query.cursor)
    rows = call.services.webhooks.deliveries(webhook, before or None, query.limit + 1)
    page = [_delivery(row) for row in rows[: query.limit]]
    return DeliveryPage(deliveries=page, next=str(page[-1].id) if len(rows) > query.limit else UNSET)


@operations(
    "POST",
    f"{DELIVERIES}/<int:delivery>/resend",
    "webhooks",
    answer=DeliveryInfo,
    status=202,
    errors=(NotFound,),
    once=True,
)
def resend_delivery(call: Call) -> DeliveryInfo:
    """Send once more what was sent, with the same id"""
    return _delivery(call.services.webhooks.resend(call.path["id"], call.path["delivery"]))


def _fields(webhook: Webhook) -> dict[str, Any]:
    return {name: getattr(webhook, name) for name in WebhookInfo.__struct_fields__}


def _info(webhook: Webhook) -> WebhookInfo:
    return WebhookInfo(**_fields(webhook))


def _delivery(row: Delivery) -> DeliveryInfo:
    return DeliveryInfo(**{name: getattr(row, name) for name in DeliveryInfo.__struct_fields__})
