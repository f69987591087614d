"""The names the contract is checked against: NewStore's events, and the families and kinds of entity they fall into."""

# The enum of `name` in NewStore's event-stream webhook documentation, in its order.
EVENT_NAMES = (
    "fulfillment_request.assigned",
    "fulfillment_request.items_completed",
    "fulfillment_request.items_failed",
    "fulfillment_request.items_ready_for_handover",
    "order.created",
    "order.opened",
    "order.shipped",
    "order.completed",
    "order.cancelled",
    "order.items_swapped",
    "order.items_cancelled",
    "order.items_on_hold",
    "invoice.created",
    "return.processed",
    "refund_request.issued",
    "payment_account.amount_authorized",
    "payment_account.amount_captured",
    "payment_account.amount_refunded",
    "payment_account.amount_voided",
    "inventory_transaction.items_received",
    "inventory_transaction.items_ready_for_handover",
    "inventory_transaction.asn_created",
    "inventory_transaction.adjustment_created",
    "inventory_count.items_counted",
    "customer.created",
    "customer.updated",
    "customer.address_created",
    "customer.address_updated",
    "customer.address_deleted",
    "employee.created",
    "employee.updated",
)

# Events of one family are about the same thing and are typed by one structure.
FAMILIES = (
    "order",
    "invoice",
    "return",
    "refund",
    "payment",
    "fulfillment",
    "inventory_transaction",
    "inventory_count",
    "customer",
    "address",
    "employee",
)

# What an entity can be; an entity's name is one of these or ends in "_" and one of these.
ENTITY_KINDS = (
    "order",
    "item",
    "product",
    "customer",
    "address",
    "employee",
    "associate",
    "location",
    "invoice",
    "return",
    "refund_request",
    "payment_account",
    "transaction",
    "instrument",
    "fulfillment_request",
    "inventory_transaction",
    "inventory_count",
    "transfer",
)


def entity_kind(name: str) -> str | None:
    """The kind an entity's name ends in (`demand_location` is a location), or None when it ends in no known kind."""
    kinds = [kind for kind in ENTITY_KINDS if name == kind or name.endswith("_" + kind)]
    return max(kinds, key=len, default=None)
