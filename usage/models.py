from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import models
from django.db.models import Q

# What is counted and capped, in the order in which caps are looked at.
RESOURCES = (
    "writes",
    "reads",
    "embeds",
    "embed_tokens",
    "extraction_calls",
    "gen_tokens",
    "storage_bytes",
)
SELF_HOSTED = "self_hosted"
TOKENS_AN_EMBED = 200


def _cap(help_text: str = "") -> models.PositiveBigIntegerField[int | None, int | None]:
    return models.PositiveBigIntegerField(null=True, blank=True, help_text=help_text)


class Plan(models.Model):
    """How much an account may use in a period; an empty cap is none."""

    name = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=80)
    price_inr = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="For one period. Empty: it cannot be bought.",
    )
    period_days = models.PositiveIntegerField(default=30)
    daily_share_percent = models.PositiveSmallIntegerField(
        default=100, help_text="How much of a period's cap one day may use."
    )
    writes = _cap("In a period.")
    reads = _cap("In a period.")
    embed_tokens = _cap(f"In a period; {TOKENS_AN_EMBED} of them are one embed.")
    gen_tokens = _cap("In a period.")
    extraction_calls = _cap("In a day.")
    storage_bytes = _cap("Held at once.")
    max_text_chars = _cap("Of one text.")
    members = _cap("Shown to clients; nothing is refused for it.")
    retention_days = _cap("Shown to clients; nothing is erased for it.")
    requests_per_minute = _cap("Shown to clients; the server's own limits hold.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(period_days__gte=1, period_days__lte=3660),
                name="plan_period_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(daily_share_percent__gte=1, daily_share_percent__lte=100),
                name="plan_daily_share_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def embeds(self) -> int | None:
        if self.embed_tokens is None:
            return None
        return self.embed_tokens // TOKENS_AN_EMBED

    @property
    def is_capped(self) -> bool:
        return any(getattr(self, each) is not None for each in RESOURCES)

    def period_cap(self, resource: str) -> int | None:
        """Of a whole period; of all that is held for storage_bytes."""
        if resource == "extraction_calls":
            return None
        cap: int | None = getattr(self, resource)
        return cap

    def day_cap(self, resource: str) -> int | None:
        if resource == "storage_bytes":
            return None
        cap: int | None = getattr(self, resource)
        if cap is None or resource == "extraction_calls":
            return cap
        return cap * self.daily_share_percent // 100


class Account(models.Model):
    """Who pays with which plan: a token, or a workspace for all who use it."""

    class Source(models.TextChoices):
        DEFAULT = "self_hosted", "nobody chose: the default"
        OPERATOR = "internal_grant", "assigned by an operator"
        PAYMENT = "payu", "paid"

    token = models.OneToOneField(
        "access.Token",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    workspace = models.OneToOneField(
        "workspaces.Workspace",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    source = models.CharField(
        max_length=14, choices=Source, default=Source.DEFAULT, editable=False
    )
    started_at = models.DateTimeField(help_text="Periods are counted from this day.")
    ends_at = models.DateTimeField(
        null=True, blank=True, help_text="Writing ends, reading goes on. Empty: never."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(token=None) ^ Q(workspace=None),
                name="account_of_a_token_or_a_workspace",
            )
        ]

    def __str__(self) -> str:
        owner = "token" if self.token_id else "workspace"
        return f"{owner} {self.token_id or self.workspace_id}"

    def is_active(self, *, at: datetime) -> bool:
        return self.ends_at is None or at < self.ends_at

    def period(self, *, at: datetime) -> tuple[date, date]:
        """The first day of the period that `at` lies in, and the day after its last."""
        first, length = self.started_at.date(), self.plan.period_days
        passed = max(0, (at.date() - first).days) // length
        start = first + timedelta(days=passed * length)
        return start, start + timedelta(days=length)

    def put_on(
        self, plan: Plan, *, source: str, at: datetime, ends_at: datetime | None
    ) -> None:
        """Another plan, whose periods are counted from now."""
        self.plan, self.source = plan, source
        self.started_at, self.ends_at = at, ends_at
        self.save(update_fields=["plan", "source", "started_at", "ends_at"])

    def prolong(self, *, ends_at: datetime) -> None:
        self.ends_at = ends_at
        self.save(update_fields=["ends_at"])


class Counted(models.Model):
    """A column for each resource."""

    writes = models.BigIntegerField(default=0)
    reads = models.BigIntegerField(default=0)
    embeds = models.BigIntegerField(default=0)
    embed_tokens = models.BigIntegerField(default=0)
    extraction_calls = models.BigIntegerField(default=0)
    gen_tokens = models.BigIntegerField(default=0)
    storage_bytes = models.BigIntegerField(default=0)

    class Meta:
        abstract = True

    def counts(self) -> dict[str, int]:
        return {each: getattr(self, each) for each in RESOURCES}


class Meter(Counted):
    """What an account used on one day (UTC); storage_bytes sinks when text goes."""

    # The constraint's index serves the foreign key as well.
    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()

    class Meta:
        verbose_name = "day of use"
        verbose_name_plural = "days of use"
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="one_meter_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.day}"


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def open(self) -> ReservationQuerySet:
        return self.filter(status=Reservation.Status.RESERVED)


class Reservation(Counted):
    """A share of a capped account that work under way may use up."""

    class Status(models.TextChoices):
        RESERVED = "reserved"
        COMMITTED = "committed"
        REFUNDED = "refunded"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    request_key = models.CharField(
        max_length=64, help_text="SHA-256 of request id, action and what it is about."
    )
    action = models.CharField(max_length=64)
    day = models.DateField()
    status = models.CharField(max_length=9, choices=Status, default=Status.RESERVED)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "request_key"], name="one_reservation_per_request"
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_at"],
                condition=Q(status="reserved"),
                name="open_reservations",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.account}"


class Transaction(models.Model):
    """One purchase of a plan for a workspace; its state never goes back."""

    class State(models.TextChoices):
        CREATED = "created"
        INITIATED = "initiated"
        VERIFY_FAILED = "verify_failed"
        PENDING = "pending"
        VERIFIED = "verified"
        SUCCESS = "success"
        FAILED = "failed"
        CANCELED = "canceled"

    transaction_id = models.CharField(max_length=40, unique=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    workspace_slug = models.CharField(max_length=128)
    token_id = models.BigIntegerField(help_text="Who asked for the checkout.")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="INR")
    period_days = models.PositiveIntegerField(help_text="What the price buys.")
    state = models.CharField(max_length=13, choices=State, default=State.CREATED)
    payment_id = models.CharField(max_length=64, blank=True)
    last_event_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = "payment"

    def __str__(self) -> str:
        return self.transaction_id

    @property
    def is_settled(self) -> bool:
        return self.state in _SETTLED

    def advance(self, state: str, *, at: datetime, payment_id: str = "") -> bool:
        """Go on to a later state; says whether it did. What is settled stays so."""
        if self.is_settled or _RANK[state] < _RANK[self.state]:
            return False
        self.state, self.updated_at = state, at
        self.payment_id = payment_id or self.payment_id
        self.save(update_fields=["state", "updated_at", "payment_id"])
        return True

    def note_event(self, *, at: datetime) -> None:
        self.last_event_at = at
        self.save(update_fields=["last_event_at"])


_SETTLED = {
    Transaction.State.SUCCESS,
    Transaction.State.FAILED,
    Transaction.State.CANCELED,
}
_RANK: dict[str, int] = {
    Transaction.State.CREATED: 0,
    Transaction.State.INITIATED: 1,
    # A payment that could not be verified may turn out pending, and the other way.
    Transaction.State.VERIFY_FAILED: 2,
    Transaction.State.PENDING: 2,
    Transaction.State.VERIFIED: 3,
    Transaction.State.SUCCESS: 4,
    Transaction.State.FAILED: 4,
    Transaction.State.CANCELED: 4,
}


class BillingEvent(models.Model):
    """A callback of the payment provider whose signature was right."""

    class Status(models.TextChoices):
        RECEIVED = "received"
        PROCESSED = "processed"
        DEFERRED = "deferred"
        FAILED = "failed"

    event_id = models.CharField(
        max_length=128, unique=True, help_text="The callback's signature."
    )
    transaction = models.ForeignKey(
        Transaction,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="events",
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.RECEIVED)
    told = models.JSONField(help_text="What it said, without whom it is about.")
    attempts = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "payment event"

    def __str__(self) -> str:
        return self.event_id[:16]

    def mark(
        self, status: str, *, at: datetime, transaction: Transaction | None = None
    ) -> None:
        self.status, self.settled_at = status, at
        self.transaction = transaction or self.transaction
        self.save(update_fields=["status", "settled_at", "transaction"])
