"""The closed sets of the canonical feeds (feeds.md): a value outside them is quarantined. Every other text is open."""

from enum import StrEnum


class Book(StrEnum):
    A = "A"
    B = "B"


class AccountStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    READ_ONLY = "read_only"


class DealAction(StrEnum):
    BUY = "buy"
    SELL = "sell"
    BALANCE = "balance"
    CREDIT = "credit"
    CHARGE = "charge"
    CORRECTION = "correction"
    BONUS = "bonus"
    COMMISSION = "commission"
    COMMISSION_DAILY = "commission_daily"
    COMMISSION_MONTHLY = "commission_monthly"
    INTEREST = "interest"
    AGENT = "agent"
    DIVIDEND = "dividend"
    TAX = "tax"
    SO_COMPENSATION = "so_compensation"
    SO_COMPENSATION_CREDIT = "so_compensation_credit"


class DealEntry(StrEnum):
    """Null for what is no trade."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    OUT_BY = "out_by"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class TransactionKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    CHARGEBACK_LOST = "chargeback_lost"
    CHARGEBACK_REVERSAL = "chargeback_reversal"
    FEE = "fee"
    RESERVE_HOLD = "reserve_hold"
    RESERVE_RELEASE = "reserve_release"
    SETTLEMENT = "settlement"
    ADJUSTMENT = "adjustment"


class TransactionStatus(StrEnum):
    INITIATED = "initiated"
    PENDING = "pending"
    AUTHORISED = "authorised"
    COMPLETED = "completed"
    DECLINED = "declined"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PaymentMethod(StrEnum):
    CARD = "card"
    BANK_WIRE = "bank_wire"
    EWALLET = "ewallet"
    CRYPTO = "crypto"
    LOCAL = "local"


class FeeBearer(StrEnum):
    FIRM = "firm"
    CLIENT = "client"


class Direction(StrEnum):
    """Of a PSP's balance, or of a communication."""

    IN = "in"
    OUT = "out"


class StatementLineKind(StrEnum):
    RECEIPT = "receipt"
    PAYMENT = "payment"
    OWN_TRANSFER = "own_transfer"
    BANK_FEE = "bank_fee"
    INTEREST = "interest"
    LP_FUNDING = "lp_funding"


class RequestKind(StrEnum):
    WITHDRAWAL = "withdrawal"
    INTERNAL_TRANSFER = "internal_transfer"
    DEPOSIT = "deposit"
    REFUND = "refund"


class RequestEvent(StrEnum):
    REQUESTED = "requested"
    CANCELLED = "cancelled"
    INFO_REQUESTED = "info_requested"
    INFO_GIVEN = "info_given"
    APPROVED = "approved"
    REJECTED = "rejected"
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"


class ActorType(StrEnum):
    CLIENT = "client"
    STAFF = "staff"
    SYSTEM = "system"
    PROVIDER = "provider"


class RiskCheckResult(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    REVIEW = "review"


class ClientType(StrEnum):
    INDIVIDUAL = "individual"
    CORPORATE = "corporate"


class ClientCategory(StrEnum):
    RETAIL = "retail"
    PROFESSIONAL = "professional"
    ELIGIBLE_COUNTERPARTY = "eligible_counterparty"


class KycEvent(StrEnum):
    SUBMITTED = "submitted"
    DOCUMENT_RECEIVED = "document_received"
    CHECK_COMPLETED = "check_completed"
    STATUS_CHANGED = "status_changed"
    RISK_RATED = "risk_rated"
    CATEGORY_CHANGED = "category_changed"
    APPROPRIATENESS_RECORDED = "appropriateness_recorded"
    REVIEW_DUE = "review_due"
    NOTE = "note"


class KycCheck(StrEnum):
    IDENTITY = "identity"
    ADDRESS = "address"
    LIVENESS = "liveness"
    SANCTIONS = "sanctions"
    PEP = "pep"
    ADVERSE_MEDIA = "adverse_media"
    SOURCE_OF_FUNDS = "source_of_funds"
    INSTRUMENT_OWNERSHIP = "instrument_ownership"


class KycResult(StrEnum):
    CLEAR = "clear"
    CONSIDER = "consider"
    FAIL = "fail"


class AppropriatenessOutcome(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL_WARNED = "fail_warned"
    INSUFFICIENT_WARNED = "insufficient_warned"
    BLOCKED = "blocked"


class RiskRating(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class SessionEvent(StrEnum):
    LOGIN = "login"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    MFA_RESET = "mfa_reset"
    INSTRUMENT_ADDED = "instrument_added"


class TicketEvent(StrEnum):
    CREATED = "created"
    AGENT_REPLIED = "agent_replied"
    CLIENT_REPLIED = "client_replied"
    ASSIGNED = "assigned"
    PRIORITY_CHANGED = "priority_changed"
    ESCALATED = "escalated"
    CLOSED = "closed"
    REOPENED = "reopened"


class CommunicationChannel(StrEnum):
    CALL = "call"
    EMAIL = "email"
    CHAT = "chat"
    SMS = "sms"
    PUSH = "push"


class PartnerStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class ChildKind(StrEnum):
    CLIENT = "client"
    PARTNER = "partner"


class CommissionDecision(StrEnum):
    APPROVED = "approved"
    HELD = "held"
    RELEASED = "released"
    CLAWED_BACK = "clawed_back"
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"
    ADJUSTED = "adjusted"


class PeriodEvent(StrEnum):
    CLOSED = "closed"
    REOPENED = "reopened"
