"""Site maps: how one site's fields, priorities, statuses, groups and people are bound to the policy's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field as Key

from connector.documents import Document, Names, Refused, Strict, Text, checked, closest, judged
from connector.domain.change import Field
from connector.domain.site import HOLD_LABEL, Binding, BindingSource, FieldMap, TwinField
from connector.domain.ticket import ClockName, LinkKind, Priority, Status
from connector.errors import ConfigError
from connector.policyfiles.kinds import PriorityName, StatusName

_TEXTS = frozenset({"summary", "description", "environment", "comment", "comments", "subject", "raw_subject"})
"""Fields of both helpdesks that hold the ticket's own text."""

_SCOPES = {"jira": ("project",), "zendesk": ("brand", "group", "form", "organization")}


class BindingFile(Strict):
    """Where an input stands; exactly one of `field`, `requester` and `organization`."""

    field: Text | None = Key(default=None, description="Ticket field: `customfield_10101`, `27641`, `type` …")
    requester: Text | None = Key(default=None, description="Field of the requester; `tags` and `locale` are built in.")
    organization: Text | None = Key(default=None, description="Field of the requester's organization.")
    values: Mapping[Text, Text] = Key(
        default_factory=dict, description="The helpdesk's value: the policy's; without it values pass as they are."
    )


class WritableFile(Strict):
    """A ticket field of our own."""

    field: Text = Key(description="The field's id.")
    values: Mapping[Text, Text] = Key(
        default_factory=dict, description="The helpdesk's value (or option id): ours; for select fields."
    )


class HoldFile(Strict):
    """What holds a ticket, beside `/esc hold`."""

    label: Text = Key(default=HOLD_LABEL, description="The label that holds a ticket while it is on.")
    until: WritableFile | None = Key(
        default=None, description="A date or date-time field: the ticket is held until that moment."
    )


class TwinFile(Strict):
    """Where tickets of another site are named that are the same case."""

    field: Text = Key(description="The ticket field with their ids or keys; `external_id` is built in (Zendesk).")
    means: Literal["twin", "work", "works_for"] = Key(
        default="twin",
        description="What they are: the same case with its own customer, our own work, or the customer's ticket that "
        "this one is work for.",
    )


class CommandsFile(Strict):
    """Who may write `/esc` commands; without it every agent may."""

    groups: Names = Key(default=(), description="Groups of the policy whose members may (not on Jira).")
    people: Names = Key(default=(), description="People of the policy, or account ids, who may.")


class SiteMapFile(Strict):
    """One site's map."""

    version: Literal[1] = Key(description="Version of this form.")
    site: Text = Key(description="Name of the site in `connector.yaml`.")
    kind: Literal["jira", "zendesk"] = Key(description="Which helpdesk it is.")
    scope: Literal["project", "brand", "group", "form", "organization"] = Key(
        description="What effects are switched on by."
    )
    locales: Names = Key(default=("en",), description="Languages in which every text must exist.")
    inputs: Mapping[Text, BindingFile] = Key(default_factory=dict, description="The policy's input: where it stands.")
    level: WritableFile | None = Key(default=None, description="Our field for the escalation level.")
    path: WritableFile | None = Key(default=None, description="Our field for the escalation path.")
    next_due: WritableFile | None = Key(default=None, description="Our field for the next deadline.")
    group_field: WritableFile | None = Key(
        default=None, description="Jira: the field that holds the group, because an issue has none."
    )
    priorities: Mapping[PriorityName, Text] = Key(
        description="Our priority: the helpdesk's (Jira: its id, Zendesk: its name)."
    )
    statuses: Mapping[Text, StatusName] = Key(min_length=1, description="The helpdesk's status: ours.")
    groups: Mapping[Text, Text] = Key(default_factory=dict, description="The policy's group: the helpdesk's id.")
    people: Mapping[Text, Text] = Key(
        default_factory=dict, description="The policy's person or schedule: the helpdesk's account id."
    )
    clocks: Mapping[Text, ClockName] = Key(
        default_factory=dict, description="The helpdesk's SLA (field id or name): our clock."
    )
    links: Mapping[Text, LinkKind] = Key(
        default_factory=dict,
        description="The helpdesk's link type, or its phrase from this end: merged_into, twin, work, works_for, "
        "problem.",
    )
    twins: Mapping[Text, TwinFile] = Key(
        default_factory=dict, description="Another site by its name: the field that names tickets there."
    )
    automations: Names = Key(
        default=(), description="Account ids of people's accounts that programs use: what they do is nobody's decision."
    )
    commands: CommandsFile = Key(default=CommandsFile(), description="Who may write `/esc` commands.")
    hold: HoldFile = Key(default=HoldFile(), description="What holds a ticket, beside `/esc hold`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMap:
    """A site's bindings and the languages that it needs."""

    name: str
    kind: str
    locales: tuple[str, ...]
    fields: FieldMap

    @property
    def unwritable(self) -> frozenset[str]:
        """Return our fields (values of ``Field``) that this map does not bind, so that they are never planned."""
        own = {Field.LEVEL: self.fields.level, Field.PATH: self.fields.path, Field.NEXT_DUE: self.fields.next_due}
        unbound = {name.value for name, binding in own.items() if binding is None}
        groupless = self.kind == "jira" and self.fields.group_field is None
        return frozenset(unbound | ({Field.GROUP.value} if groupless else set()))


def load_site_map(path: Path, *, shown: str = "", name: str | None = None, kind: str | None = None) -> SiteMap:
    """Read one site's map; ``name`` and ``kind`` are what the configuration says, where it is at hand.

    Raises:
        ConfigError: with every problem found.
    """
    return judged(path, partial(read_site_map, name=name, kind=kind), shown=shown)


def read_site_map(document: Document, *, name: str | None = None, kind: str | None = None) -> SiteMap:
    """Return the map in ``document``; raises ``ConfigError`` with every problem found."""
    file = checked(SiteMapFile, document)
    refused = Refused(document)
    _agrees(file, name, kind, refused)
    _check(file, refused)
    if refused.problems:
        raise ConfigError(tuple(sorted(refused.problems)))
    return SiteMap(name=file.site, kind=file.kind, locales=file.locales, fields=_field_map(file))


def _agrees(file: SiteMapFile, name: str | None, kind: str | None, refused: Refused) -> None:
    if name is not None and name != file.site:
        refused.add(("site",), f"is the map of {file.site}, but used for {name}", "correct the name or the map's path")
    if kind is not None and kind != file.kind:
        refused.add(("kind",), f"is a map for {file.kind}, but the site is {kind}", "correct one of them")


def _check(file: SiteMapFile, refused: Refused) -> None:
    if file.scope not in _SCOPES[file.kind]:
        refused.add(("scope",), f"a {file.kind} site has no {file.scope}", f"use {' or '.join(_SCOPES[file.kind])}")
    _inputs(file, refused)
    missing = [p.name for p in Priority if p not in file.priorities]
    if missing:
        refused.add(
            ("priorities",), f"does not bind {', '.join(missing)}", "bind all four; P3 and P4 may not be the same"
        )
    for key in ("priorities", "groups", "people"):
        _unique(key, getattr(file, key), refused)
    _statuses(file, refused)
    _people(file, refused)
    _twins(file, refused)
    if file.kind == "jira" and file.groups and file.group_field is None:
        refused.add(("groups",), "cannot be written without group_field", "add group_field: {field: customfield_…}")


def _inputs(file: SiteMapFile, refused: Refused) -> None:
    for name, binding in file.inputs.items():
        if binding.field is not None and binding.field.casefold() in _TEXTS:
            refused.add(
                ("inputs", name, "field"),
                f"{binding.field} is what people wrote, which is never stored",
                "bind a field with fixed values; for words in subject and first message use a condition on `text`",
            )
        if sum(value is not None for value in (binding.field, binding.requester, binding.organization)) != 1:
            refused.add(("inputs", name), "needs exactly one of field, requester and organization")
        elif file.kind == "jira" and binding.field is None and not _jira_knows(name, binding):
            refused.add(
                ("inputs", name),
                "a jira site keeps inputs in ticket fields only",
                "write {field: customfield_…}; beside fields there are {organization: name} and `locale`: "
                "{requester: locale}",
            )


def _jira_knows(name: str, binding: BindingFile) -> bool:
    """Jira tells the names of a request's customer organizations and the language of the requester, and no more."""
    return binding.organization == "name" or (name, binding.requester) == ("locale", "locale")


def _unique(key: str, bound: Mapping[str | Priority, str], refused: Refused) -> None:
    seen: dict[str, str] = {}
    for ours, theirs in bound.items():
        name = ours.name if isinstance(ours, Priority) else ours
        if theirs in seen:
            refused.add((key, name), f"{theirs} is bound to {seen[theirs]} as well", "one value must mean one thing")
        seen.setdefault(theirs, name)


def _statuses(file: SiteMapFile, refused: Refused) -> None:
    bound = set(file.statuses.values())
    for status, why in ((Status.OPEN, "no ticket would be open"), (Status.SOLVED, "no ticket would ever be solved")):
        if status not in bound:
            options = [s.value for s in Status]
            refused.add(("statuses",), f"binds nothing to {status}: {why}", closest(status.value, options))


def _people(file: SiteMapFile, refused: Refused) -> None:
    """A program is nobody: it is neither among the people nor does it command."""
    bound = {account: name for name, account in file.people.items()}
    for account in file.automations:
        if account in bound:
            refused.add(
                ("automations",), f"{account} is bound to {bound[account]} among people", "it is one or the other"
            )
    for name in file.commands.groups:
        if name not in file.groups:
            refused.add(("commands", "groups"), f"{name} is no group of this map", closest(name, list(file.groups)))
    if file.kind == "jira" and file.commands.groups:
        refused.add(("commands", "groups"), "Jira does not say who is in a support group", "name people instead")
    if set(_commanders(file)) & set(file.automations):
        refused.add(("commands", "people"), "names a program", "only people command")


def _twins(file: SiteMapFile, refused: Refused) -> None:
    for site, twin in file.twins.items():
        if site == file.site:
            refused.add(("twins", site), "names this site itself", "bind links within a site under `links`")
        if file.kind == "jira" and not twin.field.startswith("customfield_"):
            refused.add(("twins", site, "field"), f"{twin.field} is no field of Jira's", "use customfield_…")
        elif file.kind == "zendesk" and not (twin.field.isdecimal() or twin.field == "external_id"):
            refused.add(("twins", site, "field"), f"{twin.field} is no field id", "use its id, or external_id")


def _commanders(file: SiteMapFile) -> frozenset[str]:
    return frozenset(file.people.get(name, name) for name in file.commands.people)


def _field_map(file: SiteMapFile) -> FieldMap:
    return FieldMap(
        inputs=MappingProxyType({name: _binding(binding) for name, binding in file.inputs.items()}),
        level=_own(file.level),
        path=_own(file.path),
        next_due=_own(file.next_due),
        group_field=_own(file.group_field),
        priorities=MappingProxyType(dict(file.priorities)),
        statuses=MappingProxyType(dict(file.statuses)),
        groups=MappingProxyType(dict(file.groups)),
        people=MappingProxyType(dict(file.people)),
        clocks=MappingProxyType(dict(file.clocks)),
        scope=file.scope,
        links=MappingProxyType({theirs: kind.value for theirs, kind in file.links.items()}),
        twins=MappingProxyType(
            {site: TwinField(field=twin.field, kind=LinkKind(twin.means)) for site, twin in file.twins.items()}
        ),
        hold_until=_own(file.hold.until),
        hold_label=file.hold.label,
        automations=frozenset(file.automations),
        commanders=_commanders(file),
        command_groups=frozenset(file.groups[name] for name in file.commands.groups),
    )


def _binding(file: BindingFile) -> Binding:
    source = next(s for s in BindingSource if getattr(file, s) is not None)
    return Binding(source=source, id=getattr(file, source), values=MappingProxyType(dict(file.values)))


def _own(file: WritableFile | None) -> Binding | None:
    if file is None:
        return None
    return Binding(source=BindingSource.FIELD, id=file.field, values=MappingProxyType(dict(file.values)), writable=True)
