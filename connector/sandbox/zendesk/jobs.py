"""Background jobs of bulk updates: queued, working, completed; each item for itself, in any order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connector.sandbox.zendesk.accounts import User
from connector.sandbox.zendesk.desk import Hand
from connector.sandbox.zendesk.errors import ApiError, not_found
from connector.sandbox.zendesk.throttle import Throttle
from connector.sandbox.zendesk.update import Clerk
from connector.sandbox.zendesk.wish import Wish

ALIVE = ("queued", "working")


@dataclass(slots=True, kw_only=True)
class Job:
    """One bulk update; ``items`` are ticket ids with what is wanted of each."""

    id: str
    user: User
    items: tuple[tuple[int, Wish], ...]
    queued_at: int
    dies: bool
    status: str = "queued"
    message: str | None = None
    done: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self, origin: str) -> dict[str, Any]:
        """The job's status; results come at the end."""
        over = self.status not in ALIVE
        return {
            "id": self.id,
            "job_type": "Bulk Update Ticket",
            "url": f"{origin}/api/v2/job_statuses/{self.id}.json",
            "total": len(self.items),
            "progress": None if self.status == "queued" else self.done,
            "status": self.status,
            "message": self.message,
            "results": self.results if over else None,
        }


class Jobs:
    """The account's queue on the simulated clock."""

    def __init__(self, clerk: Clerk, throttle: Throttle) -> None:
        self._clerk = clerk
        self._throttle = throttle
        self._desk = clerk.desk
        self._jobs: dict[str, Job] = {}
        self._to_kill = self._desk.options.kill_jobs

    def queue(self, user: User, items: tuple[tuple[int, Wish], ...]) -> Job:
        """Take in a bulk update.

        Raises:
            ApiError: ``TooManyJobs`` from the thirty-first on.
        """
        options, now = self._desk.options, self._desk.now()
        if sum(job.status in ALIVE for job in self._jobs.values()) >= options.job_cap:
            text = f"The account has {options.job_cap} background jobs queued or running"
            raise ApiError(options.too_many_jobs_status, {"error": "TooManyJobs", "description": text})
        job_id = "V3-" + hashlib.md5(f"{len(self._jobs)}/{now}".encode(), usedforsecurity=False).hexdigest()
        job = Job(id=job_id, user=user, items=items, queued_at=now, dies=self._to_kill > 0)
        self._to_kill = max(0, self._to_kill - 1)
        self._jobs[job_id] = job
        self._desk.world.after(timedelta(seconds=options.job_wait), f"start of job {job_id}", lambda: self._start(job))
        return job

    def find(self, job_id: str) -> Job:
        """A job whose data is still there, or 404."""
        job = self._jobs.get(job_id)
        if job is None or job.queued_at + self._desk.options.job_keeps <= self._desk.now():
            raise not_found()
        return job

    def kept(self) -> list[Job]:
        """Every job whose data is still there."""
        limit = self._desk.now() - self._desk.options.job_keeps
        return [job for job in self._jobs.values() if job.queued_at > limit]

    def _start(self, job: Job) -> None:
        job.status = "working"
        order = list(job.items)
        self._desk.world.rng.shuffle(order)
        cut = len(order) // 2 if job.dies else len(order)
        pace = self._desk.options.job_item
        for place, item in enumerate(order[:cut]):
            delay = timedelta(seconds=pace * (place + 1))
            self._desk.world.after(delay, f"item of job {job.id}", partial(self._do, job, *item))
        self._desk.world.after(timedelta(seconds=pace * (cut + 1)), f"end of job {job.id}", lambda: self._end(job))

    def _do(self, job: Job, ticket_id: int, wish: Wish) -> None:
        job.done += 1
        job.message = f"Updating ticket #{job.done}"
        try:
            self._update(job, ticket_id, wish)
        except ApiError as error:
            job.results.append(_failure(ticket_id, error))
        else:
            job.results.append({"id": ticket_id, "action": "update", "success": True, "status": "Updated"})

    def _update(self, job: Job, ticket_id: int, wish: Wish) -> None:
        ticket = self._desk.find(ticket_id)
        self._throttle.charge_ticket(job.user.id, ticket_id, self._desk.world.now(), {})
        self._clerk.update(ticket, wish, Hand(user=job.user, via="api", channel="api"))

    def _end(self, job: Job) -> None:
        job.status = "killed" if job.dies else "completed"
        text = datetime.fromtimestamp(self._desk.now(), UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
        job.message = f"{job.status.capitalize()} at {text}"


def _failure(ticket_id: int, error: ApiError) -> dict[str, Any]:
    payload: dict[str, Any] = error.payload if isinstance(error.payload, dict) else {"error": "TooManyRequests"}
    details = payload.get("details")
    text = "; ".join(row["description"] for rows in details.values() for row in rows) if details else None
    return {
        "id": ticket_id,
        "action": "update",
        "success": False,
        "error": "TicketUpdateFailed" if payload["error"] == "RecordInvalid" else payload["error"],
        "details": text or str(payload.get("description", error.payload)),
    }
