"""The journal's tables, the same in SQLite and PostgreSQL.

Moments are whole microseconds since 1970 (``moments.py``), documents are compact JSON text (``documents.py``). No free
text of a ticket is in any of them but the body of a note that is being sent, which goes when its intent settles.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NO_PRIORITY = 9
"""Rank of a ticket without a known priority: after P4."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False, server_default=None if key else "")


def _moment(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _maybe_moment(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=True)


def _of_site() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["site"], ["site.name"], ondelete="CASCADE")


def _of_ticket() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["site", "ticket"], ["ticket.site", "ticket.id"], ondelete="CASCADE")


def _partial(name: str, *columns: Column[object], where: str, postgresql: str = "", unique: bool = False) -> Index:
    """Index some rows; conditions on truth values are spelled as each database compares them in queries."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(postgresql or where))


site = Table(
    "site",
    metadata,
    _text("name", key=True),
    _text("fingerprint"),
    Column("loaded", Boolean, nullable=False),
    _text("paused"),
    _text("effects"),  # scope → effects that are on
    _text("frozen"),  # effect → reason
    _text("allowance"),  # effect → writes
    _maybe_moment("last_good_at"),
    _maybe_moment("last_sweep_at"),
)

cursor = Table("cursor", metadata, _text("site", key=True), _text("value"), _of_site())

ticket = Table(
    "ticket",
    metadata,
    _text("site", key=True),
    _text("id", key=True),
    _text("key"),
    _text("scope"),
    _text("status"),
    Column("is_open", Boolean, nullable=False),
    Column("priority_rank", SmallInteger, nullable=False),
    _text("version"),
    _text("own_version"),
    _moment("updated_at"),
    _maybe_moment("next_due_at"),  # only of open tickets
    _text("policy_hash"),  # of the last decision; empty: never decided
    Column("history_complete", Boolean, nullable=False),
    _maybe_moment("history_until"),
    _text("text_version"),
    _text("text_hits"),
    _text("digest"),  # of the document without readings that move by themselves
    _text("document"),
    _text("alike"),  # digest of what it has in common with others; empty: nothing that would make a storm
    _maybe_moment("alike_at"),  # when it was opened, where it has any
    Column("awaits", BigInteger),  # how urgently its history is awaited, the smallest first
    _text("alike_before"),  # what ``alike`` was until an edited policy changed it
    _of_site(),
)
_partial("ix_ticket_due", ticket.c.site, ticket.c.next_due_at, where="next_due_at IS NOT NULL")
_of_open = (ticket.c.site, ticket.c.policy_hash, ticket.c.id)
_partial("ix_ticket_open", *_of_open, where="is_open = 1", postgresql="is_open")
_partial(
    "ix_ticket_without_history",
    ticket.c.site,
    ticket.c.priority_rank,
    ticket.c.updated_at,
    where="is_open = 1 AND history_complete = 0",
    postgresql="is_open AND NOT history_complete",
)
Index("ix_ticket_key", ticket.c.key)
_partial("ix_ticket_awaits", ticket.c.site, ticket.c.awaits, ticket.c.id, where="awaits IS NOT NULL")
_partial("ix_ticket_alike", ticket.c.site, ticket.c.alike, ticket.c.alike_at, where="alike <> ''")

link = Table(  # twins and work, as the ticket itself names them
    "link",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("kind", key=True),
    _text("target_site", key=True),
    _text("target", key=True),  # an id or a key
    _of_ticket(),
    sqlite_with_rowid=False,
)
Index("ix_link_target_site_target", link.c.target_site, link.c.target)

ticket_event = Table(
    "ticket_event",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("id", key=True),
    _moment("at"),
    _text("source"),
    _text("document"),
    _of_ticket(),
    sqlite_with_rowid=False,
)

escalation = Table(
    "escalation",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("path"),
    Column("level", Integer, nullable=False),
    _maybe_moment("entered_at"),
    _maybe_moment("acknowledged_at"),
    _text("run"),  # that stored it
    _text("digest"),  # of the state without the moment of the decision
    _text("document"),
    _of_ticket(),
)

standoff = Table(  # where we stopped by ourselves, until a person releases the ticket
    "standoff",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("why", key=True),
    _moment("since"),
    _of_ticket(),
    sqlite_with_rowid=False,
)

clock = Table(
    "clock",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("clock", key=True),
    Column("cycle_start", BigInteger, primary_key=True, autoincrement=False),
    _text("source"),
    _text("target"),
    _text("calendar"),
    _maybe_moment("deadline"),
    Column("elapsed", BigInteger, nullable=True),  # only while it stands still
    Column("paused", Boolean, nullable=False),
    _maybe_moment("met_at"),
    Column("breached", Boolean, nullable=False),
    Column("provisional", Boolean, nullable=False),
    _of_ticket(),
    sqlite_with_rowid=False,
)

said = Table(
    "said",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("occasion", key=True),
    _text("audience", key=True),
    _text("outcome"),
    _moment("at"),
    _of_ticket(),
    sqlite_with_rowid=False,
)

notification = Table(
    "notification",
    metadata,
    _text("site", key=True),
    _text("key", key=True),
    _text("ticket"),
    _text("ticket_key"),
    _text("target"),
    _text("person"),
    _text("why"),
    _text("link"),
    _text("run"),
    _moment("at"),
    _text("status"),
    Column("attempts", Integer, nullable=False),
    _maybe_moment("next_at"),  # only while it waits
    _text("error"),
    _of_ticket(),
)
_partial("ix_notification_waiting", notification.c.next_at, where="status = 'waiting'")

applied = Table(
    "applied",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("field", key=True),
    Column("value", Text, nullable=True),
    _moment("at"),
    Column("baseline", Boolean, nullable=False),
    _of_ticket(),
    sqlite_with_rowid=False,
)

op = Table(
    "op",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _text("site"),
    _text("ticket"),
    _text("key"),
    _text("run"),
    _text("status"),
    _text("audience"),  # of its comment; empty for fields alone
    _text("request_digest"),
    Column("attempts", Integer, nullable=False),
    _moment("sent_at"),
    _maybe_moment("settled_at"),
    _text("remote_id"),
    _text("job"),
    _text("why"),
    _text("document"),  # the write: before, after and, until it settles, the rendered body
    _text("body_digest"),
    _text("updated_stamp"),  # as the request names it
    Column("fence", BigInteger, nullable=False, server_default="0"),  # the lease's epoch of who armed it
    Column("resent", Integer, nullable=False, server_default="0"),  # copies after one of unknown outcome
    _maybe_moment("absent_at"),  # first looked for in vain, by the helpdesk's clock
    _maybe_moment("look_at"),  # when to look (again), by our clock
    _text("ordered_by"),  # who ordered a parked write to be sent again
    _text("failure"),  # conflict; empty for every other
    _of_site(),
    UniqueConstraint("site", "ticket", "key"),
)
_partial("uq_op_sending_fields", op.c.site, op.c.ticket, where="status = 'sending' AND audience = ''", unique=True)
_partial("uq_op_sending_comment", op.c.site, op.c.ticket, where="status = 'sending' AND audience <> ''", unique=True)
_partial("ix_op_look_at", op.c.site, op.c.look_at, where="look_at IS NOT NULL")
Index("ix_op_ticket_sent_at", op.c.site, op.c.ticket, op.c.sent_at)
Index("ix_op_status", op.c.status, op.c.site, op.c.id)

budget = Table(
    "budget",
    metadata,
    Column("op", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    _text("effect", key=True),
    _text("site"),
    _text("ticket"),
    _moment("at"),
    ForeignKeyConstraint(["op"], ["op.id"], ondelete="CASCADE"),
)
Index("ix_budget_site_effect_at", budget.c.site, budget.c.effect, budget.c.at)

recall = Table(
    "recall",
    metadata,
    _text("site", key=True),
    _text("why"),  # what is forgotten; empty: a site seen for the first time
    _moment("since"),  # histories read from then on are read back
    _maybe_moment("done_at"),  # when every open ticket had been read back
    _text("blind"),  # ids of tickets whose history could not be read
    _maybe_moment("policy_from"),  # earliest mark made under the policy in force
    _maybe_moment("lost_at"),  # when the first pass after the loss began; none: not known
    _of_site(),
)

mark = Table(
    "mark",
    metadata,
    _text("site", key=True),
    _text("ticket", key=True),
    _text("ref", key=True),  # first 40 bits of the key of something said there, read back from the helpdesk
    _moment("at"),
    _of_ticket(),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    _text("site", key=True),
    _text("id", key=True),
    _text("why"),
    _text("digest"),
    _moment("since"),
    _of_site(),
)

set_aside = Table(
    "set_aside",
    metadata,
    _text("site", key=True),
    _text("kind", key=True),
    _text("scope", key=True),
    _text("ticket", key=True),
    _text("field", key=True),
    _text("value", key=True),
    _text("why"),
    _text("bindings"),
    _moment("since"),
    _maybe_moment("until"),
    _of_site(),
)

run = Table(
    "run",
    metadata,
    _text("id", key=True),
    _text("site", key=True),
    _text("kind"),
    _text("policy"),
    _moment("started_at"),
    _maybe_moment("ended_at"),
    _text("outcome"),
    _text("why"),
    _text("summary"),
)
Index("ix_run_site_started_at", run.c.site, run.c.started_at)

policy = Table(
    "policy",
    metadata,
    _text("hash", key=True),
    _text("name"),
    _text("document"),
    _moment("since"),
)

event = Table(
    "event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    _moment("at"),
    _text("kind"),
    _text("site"),
    _text("ticket"),
    _text("key"),
    _text("run"),
    _text("actor"),
    _text("data"),
    _text("digest"),  # of this line's content; stays when the content is erased
    _text("chain"),  # of the line before it and of this digest
)
Index("ix_event_site_ticket", event.c.site, event.c.ticket, event.c.id)
Index("ix_event_at", event.c.at)
Index("ix_event_run_kind", event.c.run, event.c.kind)

identity = Table(
    "identity",
    metadata,
    _text("name", key=True),
    _text("mark"),  # random; another one is another state. Of the row `forgotten`: why the state last forgot something
    Column("epoch", BigInteger, nullable=False),  # grows whenever the state has forgotten something
    Column("count", BigInteger, nullable=False),  # of transactions that changed anything
)

lease = Table(
    "lease",
    metadata,
    _text("name", key=True),
    _text("holder"),
    Column("epoch", BigInteger, nullable=False),
    _moment("renewed_at"),  # by the database's own clock
)
