"""What people type on the command line, in whatever encoding: it has to be stored all the same."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.context import Words


@click.command()
@click.argument("text", type=Words())
def told(text: str) -> None:
    click.echo(text)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Wartung bis zwölf", "Wartung bis zwölf"),
        (b"Wartung bis zw\xc3\xb6lf".decode("ascii", "surrogateescape"), "Wartung bis zwölf"),
        (b"Wartung bis zw\xf6lf".decode("utf-8", "surrogateescape"), "Wartung bis zw\ufffdlf"),
    ],
)
def test_a_reason_is_stored_in_whatever_encoding_it_was_typed(typed: str, stored: str) -> None:
    assert CliRunner().invoke(told, [typed]).output == f"{stored}\n"


@given(st.binary(max_size=40))
def test_any_bytes_become_words_that_can_be_stored(typed: bytes) -> None:
    words = Words().convert(typed.decode("utf-8", "surrogateescape"), None, None)
    assert words.encode().decode() == words
