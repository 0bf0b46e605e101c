"""What a page is made of: the template, the link, controls, figures, the strip of tokens.

    ui.header(question, sentence)
    ui.link.seed(name, default, …)  ui.link.write(name=value)     what stands in the link
    picture, aside = ui.columns()                                 3.2 : 1
    ui.show(figure, key, trace)                                   with caption and downloads
    ui.before_you_look(…)  ui.notice(…)  ui.letters(…)  ui.code(…)  ui.not_shown(…)
    ui.onward("pages/gates.py", question)
"""

from explorer.ui import link
from explorer.ui.controls import form, make
from explorer.ui.figure import show
from explorer.ui.glossary import meaning, term
from explorer.ui.page import (
    before_you_look,
    code,
    columns,
    complain,
    first_look,
    guard,
    header,
    letters,
    not_shown,
    notice,
    onward,
    picture_first,
    rest_follows,
)
from explorer.ui.runs import choose_run, choose_step
from explorer.ui.session import language, owner, theme
from explorer.ui.strip import StripEvent, strip
from explorer.ui.text import plain, prose

__all__ = [
    "StripEvent",
    "before_you_look",
    "choose_run",
    "choose_step",
    "code",
    "columns",
    "complain",
    "first_look",
    "form",
    "guard",
    "header",
    "language",
    "letters",
    "link",
    "make",
    "meaning",
    "not_shown",
    "notice",
    "onward",
    "owner",
    "picture_first",
    "plain",
    "prose",
    "rest_follows",
    "show",
    "strip",
    "term",
    "theme",
]
