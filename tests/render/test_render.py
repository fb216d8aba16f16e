"""Texts: languages, values that stay data, and templates that are refused before they can do harm."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.harmless import one_line
from connector.domain.change import Notice
from connector.domain.notices import VALUE_NAMES
from connector.domain.occasion import Occasion
from connector.domain.reason import Reason, ReasonKind, reason
from connector.domain.site import Effect
from connector.errors import ConfigError, of_one_ticket
from connector.render import VOCABULARY, TextRenderer, load_templates, negotiate
from connector.render.values import MAX_VALUE, clean, tell_length, tell_moment
from connector.render.vocabulary import REASONS

STARTER = Path(__file__).parents[2] / "mappings" / "templates"
LOCALES = ("en", "de", "nl", "ja", "fr")
TEMPLATES = load_templates(STARTER, locales=LOCALES)


OTHERS = (
    reason(ReasonKind.MARK, clock="first_response", mark="100%", percent=100, late="yes"),
    reason(ReasonKind.UPDATE, every="1h"),
)


def notice(template: str = "escalated", locale: str = "en", values: Mapping[str, str] = VOCABULARY) -> Notice:
    about = Occasion("level", ("default", "20261123T150000Z", "2"))
    return Notice(
        occasion=about,
        audience=Effect.NOTES,
        template=template,
        locale=locale,
        values=values,
        reason="r",
        why=reason(ReasonKind.TIMER, left=1) if len(values) > 1 else Reason(),
        also=OTHERS if len(values) > 1 else (),
    )


def render(template: str = "escalated", locale: str = "en", values: Mapping[str, str] = VOCABULARY) -> str:
    return TextRenderer(TEMPLATES, timezone="Europe/Berlin", fallback=("de",)).render(notice(template, locale, values))


def reasons_of(locale: str, *also: Reason) -> list[str]:
    said = replace(notice("escalated", locale, {"ticket": "T"}), also=also)
    lines = TextRenderer(TEMPLATES, timezone="Europe/Berlin").render(said).splitlines()
    return [line.removeprefix("• ") for line in lines if line.startswith("•")]


def folder(tmp_path: Path, source: str) -> Path:
    (tmp_path / "en").mkdir()
    for name in ("escalated", "flapping", "hold", "max-pause", "reason", "x"):
        (tmp_path / "en" / f"{name}.md").write_text({"x": source, "reason": "{{ kind }}"}.get(name, "{{ ticket }}"))
    return tmp_path


def test_the_vocabulary_is_what_notices_give() -> None:
    assert set(VOCABULARY) == {*VALUE_NAMES, "reason", "also"}
    assert set(REASONS) == set(ReasonKind) - {ReasonKind.UNKNOWN}


class TestStarter:
    @pytest.mark.parametrize("name", sorted(TEMPLATES.notes))
    @pytest.mark.parametrize("locale", LOCALES)
    def test_every_text_says_which_ticket_with_and_without_the_rest(self, name: str, locale: str) -> None:
        for values in (VOCABULARY, {"ticket": "SUP-14"}):
            text = render(name, locale, values)
            assert "SUP-14" in text
            assert "None" not in text
            assert "{" not in text
            assert "  " not in text

    @pytest.mark.parametrize("name", sorted(TEMPLATES.notes))
    def test_every_language_has_a_text_of_its_own(self, name: str) -> None:
        assert len({render(name, locale) for locale in LOCALES}) == len(LOCALES)

    def test_a_text_as_people_read_it(self) -> None:
        assert render("breached", "de-AT").splitlines() == [
            "Die zugesagte Lösung zu SUP-14 wurde verfehlt.",
            "Sie war fällig: Mo., 23. Nov., 18:00 MEZ (Ziel: 8 Stunden).",
            "Eskalation: Pfad default, Stufe 2 (second-line).",
            "Bitte mitteilen, bis wann es erledigt ist, und hinzuziehen, wer helfen kann.",
            "Außerdem:",
            "• die erste Antwort ist überfällig",
            "• eine Zwischenmeldung ist fällig (Abstand: 1 Stunde)",
        ]

    @pytest.mark.parametrize(
        ("locale", "line"),
        [
            ("en", "Why: nobody took it over on level 1."),
            ("de", "Grund: auf Stufe 1 hat niemand übernommen."),
            ("nl", "Reden: niemand heeft het op niveau 1 overgenomen."),
            ("fr", "Raison : personne ne l'a pris en charge au niveau 1."),
            ("ja", "理由: レベル 1 で誰も引き受けていません。"),
        ],
    )
    def test_a_reason_is_told_in_the_language_of_its_note(self, locale: str, line: str) -> None:
        assert line in render("escalated", locale).splitlines()

    @pytest.mark.parametrize("locale", LOCALES)
    def test_every_reason_is_told_in_one_line_and_differently_in_each_language(self, locale: str) -> None:
        for kind, values in REASONS.items():
            told = {tag: reasons_of(tag, reason(ReasonKind(kind), **values)) for tag in (locale, "en")}
            assert len(told[locale]) == 1
            assert (told[locale] == told["en"]) is (locale == "en")
            assert not set("{}_") & set(told[locale][0].replace("first_response", ""))

    def test_a_length_is_told_as_the_policy_says_it(self) -> None:
        assert reasons_of("de", reason(ReasonKind.MAX_PAUSE, limit="10d")) == ["wartet schon länger als 10 Tage"]
        assert reasons_of("en", reason(ReasonKind.UPDATE, every="1h30m")) == [
            "a status update is due (interval: 1 hour 30 minutes)"
        ]


class TestLanguage:
    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (["de-AT", "en"], "de"),
            (["de_at"], "de"),
            (["pt-BR", "en"], "en"),
            (["pt-BR"], None),
            ([None, "", "ja-JP"], "ja"),
            (["EN-us"], "en"),
            (["zh-Hant-TW"], "zh-Hant"),
        ],
    )
    def test_the_nearest_language(self, wanted: list[str | None], found: str | None) -> None:
        assert negotiate(wanted, {"en", "de", "ja", "zh-Hant"}) == found

    def test_the_sites_language_before_the_default_one(self) -> None:
        assert render("hold", "sw") == render("hold", "de")

    def test_a_template_that_is_nowhere_is_a_problem_with_its_path(self) -> None:
        with pytest.raises(ConfigError, match=r"en/nope\.md: is missing"):
            render("nope")

    @pytest.mark.parametrize(
        ("value", "locale", "zone", "told"),
        [
            ("2026-11-23T17:00:00+00:00", "de", "Europe/Berlin", "Mo., 23. Nov., 18:00 MEZ"),
            ("2026-07-23T17:00:00+00:00", "nl", "Europe/Berlin", "do 23 jul, 19:00 CEST"),
            ("2026-07-23T17:00:00+00:00", "ja", "Asia/Tokyo", "7月24日(金), 2:00 JST"),
            ("2026-07-23T17:00:00+00:00", "en", "Asia/Kathmandu", "Thu, Jul 23, 10:45\u202fPM UTC+05:45"),
            ("soon", "en", "UTC", "soon"),
        ],
    )
    def test_moments_in_the_readers_language_and_zone(self, value: str, locale: str, zone: str, told: str) -> None:
        assert tell_moment(value, locale=Locale.parse(locale), zone=ZoneInfo(zone)) == told

    @pytest.mark.parametrize(
        ("value", "locale", "told"),
        [
            ("3d", "de", "3 Tage"),
            ("1h30m", "nl", "1 uur 30 minuten"),
            ("0m", "en", "0 minutes"),
            ("90s", "ja", "90 秒"),
            ("a while", "fr", "a while"),
        ],
    )
    def test_lengths_keep_their_units(self, value: str, locale: str, told: str) -> None:
        assert tell_length(value, locale=Locale.parse(locale)) == told


class TestValues:
    @given(st.text(max_size=400), st.sampled_from(sorted(TEMPLATES.notes)))
    def test_any_value_stays_one_harmless_line(self, value: str, template: str) -> None:
        quiet = render(template, "en", {"ticket": "T", "level_target": ""}).count("\n")
        text = render(template, "en", {"ticket": value or "T", "level_target": ""})
        assert text.count("\n") == quiet
        assert not set(text) & set("\u202e\u2066\u200b\x00\x1b\u2028\ufeff")

    @pytest.mark.parametrize(
        "payload", ["{{ 7*7 }}", "{% for x in y %}", "{# c #}", "{{ ''.__class__ }}", "{{ policy }}"]
    )
    def test_a_template_in_a_value_stays_text(self, payload: str) -> None:
        assert payload in render("escalated", "en", {"ticket": payload})

    @given(st.text(max_size=600))
    def test_cleaning_is_final_and_bounded(self, value: str) -> None:
        assert clean(clean(value)) == clean(value)
        assert len(clean(value)) <= MAX_VALUE

    def test_what_a_terminal_shows_as_an_escape_no_text_holds(self) -> None:
        suspects = [*range(0x80, 0x300), *range(0x2000, 0x2070), *range(0xFE00, 0x10000), *range(0xE0000, 0xE1000)]
        hidden = [chr(code) for code in suspects if one_line(chr(code)) != chr(code)]
        assert "\u2061" in hidden
        assert [c for c in hidden if c in clean(f"a{c}b")] == []

    def test_lines_become_one(self) -> None:
        assert clean("75% used \n\n level 2\r\n") == "75% used; level 2"

    def test_letters_of_all_scripts_and_emoji_pass(self) -> None:
        text = "Grüße, 会議, हिन्दी, שלום, 👩‍🚒"
        assert clean(text) == text


class Starved:
    """A text for which there is no memory."""

    def render(self, _values: object) -> str:
        raise MemoryError


class TestLoading:
    @pytest.mark.parametrize(
        ("source", "words"),
        [
            pytest.param(
                "{{ tickt }}", "en/x.md:1:1: tickt: there is no such value (did you mean ticket?)", id="value"
            ),
            pytest.param("a\n{{ ticket|upper }}", "en/x.md:2:1: upper: there is no such filter", id="filter"),
            pytest.param("{% for i in ticket %}x{% endfor %}", "for is not for texts", id="loop"),
            pytest.param("{{ 'a' * 10**9 }}", "mul is not for texts", id="arithmetic"),
            pytest.param("{{ ticket.__class__ }}", "getattr is not for texts", id="attribute"),
            pytest.param("{{ range(9) }}", "call is not for texts", id="call"),
            pytest.param("{% include 'y' %}", "include is not for texts", id="include"),
            pytest.param("{% if ticket %}", "is no template", id="syntax"),
            pytest.param(
                "a\n{% if percent > 100 %}x{% endif %}", "en/x.md:2:1: > is not for texts (use == or !=", id="more than"
            ),
            pytest.param(
                "{% if reminder %}{% if level > '2' %}x{% endif %}{% endif %}y", "x.md:1:1: > is not", id="not tried"
            ),
            pytest.param('{% if percent >= "100" %}x{% endif %}y', "x.md:1:1: >= is not for texts", id="alphabet"),
            pytest.param("{% if ticket in 5 %}x{% endif %}y", "x.md:1:1: 5 is not text, as every value is", id="in"),
            pytest.param(
                "{% if percent == 75 %}x{% endif %}y",
                'x.md:1:1: 75 is not text, as every value is (write "75")',
                id="number",
            ),
            pytest.param("{% if level != none %}x{% endif %}y", "None is not text, as every value is (ask", id="none"),
            pytest.param("{{ 5|length }}", "5 is not text", id="length of a number"),
            pytest.param(
                "a\n{{ deadline|moment('short') }}", "x.md:2:1: moment: takes nothing in brackets (write", id="argument"
            ),
            pytest.param("{{ ticket|moment(*also) }}", "moment: takes nothing in brackets", id="arguments"),
            pytest.param(
                "a\n{{ (not level)|length }}", "x.md:2:1: cannot be filled in: TypeError", id="what no rule foresees"
            ),
            pytest.param(
                "{% if ticket %}" * 150 + "x" + "{% endif %}" * 150, "x.md: cannot be filled in: Indent", id="too deep"
            ),
            pytest.param(
                "{{ " + "(" * 3000 + "ticket" + ")" * 3000 + " }}", "cannot be filled in: Recurs", id="deeper"
            ),
            pytest.param("{% if clock %}x{% endif %}", "says nothing when only the ticket is known", id="empty"),
            pytest.param("x" * 20_001, "longer than 20,000", id="source size"),
            pytest.param("x" * 9_000, "makes more than 8,000", id="output size"),
        ],
    )
    def test_refused_with_its_line(self, tmp_path: Path, source: str, words: str) -> None:
        with pytest.raises(ConfigError) as caught:
            load_templates(folder(tmp_path, source))
        assert any(words in str(problem) for problem in caught.value.problems)

    def test_what_fails_only_when_it_is_said_names_its_file_and_quotes_no_value(self, tmp_path: Path) -> None:
        """Such an error costs the ticket that the text is about; of an error of another kind only its name is told."""
        texts = load_templates(folder(tmp_path, "{% if reminder %}{{ (not level)|length }}{% endif %}{{ ticket }}"))
        said = notice("x", values={"ticket": "SUP-14"})
        assert TextRenderer(texts).render(said) == "SUP-14"
        with pytest.raises(ConfigError, match=r"en/x\.md:1:1: cannot be filled in: TypeError \(use") as caught:
            TextRenderer(texts).render(replace(said, values={"ticket": "SUP-14", "reminder": "1"}))
        assert of_one_ticket(caught.value) is caught.value

    def test_no_text_is_to_blame_where_memory_runs_out(self, tmp_path: Path) -> None:
        texts = load_templates(folder(tmp_path, "{{ ticket }}"))
        starved: Any = Starved()
        with pytest.raises(MemoryError):
            TextRenderer(replace(texts, compiled={**texts.compiled, ("en", "x"): starved})).render(notice("x"))

    def test_every_problem_at_once(self, tmp_path: Path) -> None:
        folder(tmp_path, "{{ a }}{{ b }}")
        (tmp_path / "english").mkdir()
        (tmp_path / "en" / "hold.md").unlink()
        with pytest.raises(ConfigError) as caught:
            load_templates(tmp_path, locales=["ja"])
        said = "\n".join(str(p).replace(f"{tmp_path}/", "") for p in caught.value.problems)
        for words in (
            "a: there is no such value",
            "b: there",
            "english: is not the name of a lang",
            "hold.md: is missing",
        ):
            assert words in said
        assert "ja/escalated.md: is missing (translate en/escalated.md)" in said

    @pytest.mark.parametrize("broken", ["en/hold.md", "de/hold.md", "de-AT/hold.md"])
    def test_a_text_that_is_wrong_is_not_missing_as_well(self, tmp_path: Path, broken: str) -> None:
        folder(tmp_path, "{{ ticket }}")
        shutil.copytree(tmp_path / "en", tmp_path / "de")
        (tmp_path / "de-AT").mkdir()
        (tmp_path / broken).write_text("{% if %}")
        with pytest.raises(ConfigError) as caught:
            load_templates(tmp_path, locales=["de", "de-AT"])
        (problem,) = caught.value.problems
        assert problem.file == str(tmp_path / broken)

    def test_read_again_only_what_has_changed_is_compiled_anew(self, tmp_path: Path) -> None:
        before = load_templates(folder(tmp_path, "{{ ticket }}, once")).compiled
        (tmp_path / "en" / "x.md").write_text("{{ ticket }}, twice")
        after = load_templates(tmp_path).compiled
        assert {name for name in before if before[name] is not after[name]} == {("en", "x")}

    def test_a_mistake_is_told_for_every_file_that_makes_it(self, tmp_path: Path) -> None:
        folder(tmp_path, "{{ nobody }}")
        (tmp_path / "en" / "y.md").write_text("{{ nobody }}")
        for _ in range(2):
            with pytest.raises(ConfigError) as caught:
                load_templates(tmp_path)
            assert [Path(problem.file).name for problem in caught.value.problems] == ["x.md", "y.md"]

    def test_a_folder_without_texts(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="holds no template"):
            load_templates(tmp_path / "none")

    def test_a_region_may_lean_on_its_language(self) -> None:
        assert "hold" in load_templates(STARTER, locales=["de-AT"]).names
