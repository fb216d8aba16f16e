"""The catalogue of faults and seeded defects is whole and can still be planted."""

from __future__ import annotations

import pytest

from scripts.seeded.catalogue import Defect, defects, fault_tests, unguarded

FAULTS = range(1, 78)

NOT_YET: frozenset[int] = frozenset()
"""Faults without a named test so far. It only ever shrinks; one that has a test may not stand here."""


def test_every_fault_has_a_named_test() -> None:
    assert set(FAULTS) - set(fault_tests()) == NOT_YET


def test_no_test_names_a_fault_that_does_not_exist() -> None:
    assert set(fault_tests()) <= set(FAULTS)


def test_every_tested_fault_has_its_guard_taken_out_or_is_named_unguarded() -> None:
    guarded = {number for defect in defects() for number in defect.faults}
    open_ = {number for entry in unguarded() for number in entry.faults}
    assert set(fault_tests()) <= guarded | open_


def test_every_guarded_fault_has_a_defect_that_its_own_named_test_must_notice() -> None:
    """A guard that is taken out is worth nothing where the test that fails is named after another fault."""
    noticed = {number for defect in defects() for number in defect.faults if defect.notices(number)}
    open_ = {number for entry in unguarded() for number in entry.faults}
    assert set(FAULTS) - noticed - open_ == set()


def test_a_defect_names_only_tests_that_exist() -> None:
    """A named test of a fault that was renamed would otherwise stand there and never run."""
    known = {test.partition("::")[2] for tests in fault_tests().values() for test in tests}
    named = {test.partition("[")[0].rpartition("::")[2] for defect in defects() for test in defect.tests}
    assert {name for name in named if name.startswith("test_fault_")} <= known


def test_names_are_unique() -> None:
    names = [defect.id for defect in defects()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("defect", defects(), ids=lambda d: d.id)
def test_can_be_planted(defect: Defect) -> None:
    assert defect.problem() == ""
