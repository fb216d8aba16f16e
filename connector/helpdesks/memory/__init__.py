"""A helpdesk in memory. It keeps the promises of the ports like the real adapters; tests and simulations use it.

``MemoryHelpdesk`` is the world (people act on it, faults are ordered from it); the three others are its ports.
"""

from __future__ import annotations

from connector.helpdesks.memory.reader import MemoryDirectory, MemoryReader
from connector.helpdesks.memory.records import Audit, Fault, Posted, Row, Update
from connector.helpdesks.memory.world import AGENT, BOT, CUSTOMER, MemoryHelpdesk
from connector.helpdesks.memory.writer import MemoryWriter

__all__ = [
    "AGENT",
    "BOT",
    "CUSTOMER",
    "Audit",
    "Fault",
    "MemoryDirectory",
    "MemoryHelpdesk",
    "MemoryReader",
    "MemoryWriter",
    "Posted",
    "Row",
    "Update",
]
