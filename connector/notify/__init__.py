"""Alarms and pings to the outside: a command of the operator's choice and a dead-man's switch."""
