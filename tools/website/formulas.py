"""TeX to MathML, which browsers draw by themselves: no script, no font and no picture has to be fetched.

latex2mathml does the work. What stands here are the few places where its MathML is drawn badly: brackets of a fixed
size, the room round names of functions and a few signs, and hats wider than their letter.
"""

import re

from latex2mathml.converter import convert

OPENING, CLOSING = r"\(|\[|\\lVert|\\\{", r"\)|\]|\\rVert|\\\}"
NAMED = "ln|log|exp|sin|cos|tanh|max|min"
ORDINARY = r"</m(?:i|n|sub|sup|subsup|frac|sqrt)>|&#x00029;</mo>"  # after these a function's name keeps its distance
THIN = "0.1667em"
BAR = '<mo stretchy="false" lspace="0" rspace="0">|</mo>'
SPACED = {
    "<mo>/</mo>": '<mo lspace="0.06em" rspace="0.06em">/</mo>',
    "<mi>:</mi>": '<mo lspace="0" rspace="0.28em">:</mo>',
    "<mo>&#x0221E;</mo>": "<mi>&#x0221E;</mi>",
    "<mo>&#x02202;</mo>": "<mi>&#x02202;</mi>",
    **{f"<mo{how}>{bar}</mo>": BAR for how in ("", ' stretchy="false"') for bar in ("|", "&#x0007C;")},
}


def mathml(tex: str, block: bool = False) -> str:
    """The formula as a <math> element. Raises ValueError where it holds a command that is not known."""
    grown = re.sub(rf"\\[bB]igg?l?\s*({OPENING})", r"\\left\1", tex)
    grown = re.sub(rf"\\[bB]igg?r?\s*({CLOSING})", r"\\right\1", grown)
    grown = re.sub(r"(?<!\\left)\\lVert", r"\\left\\lVert", re.sub(r"(?<!\\right)\\rVert", r"\\right\\rVert", grown))
    made = convert(grown.strip(), display="block" if block else "inline")
    if "\\" in made:
        raise ValueError(f"no MathML for {re.search(r'.[A-Za-z]*', made[made.index(chr(92)):])[0]} in {tex!r}")
    for theirs, ours in SPACED.items():
        made = made.replace(theirs, ours)
    made = re.sub(r"<msup>((?:(?!<msup>).)*)<mi>&#x02032;</mi></msup>",
                  r'<mrow>\1<mo lspace="0" rspace="0">&#x02032;</mo></mrow>', made)  # raised already, as a sign
    made = re.sub(rf"({ORDINARY})?<m[io]>({NAMED})</m[io]>(?=(.{{0,40}}))", _named, made)
    return re.sub(r"<mover>(.*?)<mo>&#x0005E;</mo></mover>",
                  r'<mover accent="true">\1<mo stretchy="false">&#x002C6;</mo></mover>', made)


def _named(found: re.Match) -> str:
    """A function's name with a thin space before and after it, except at a bracket, as TeX sets it."""
    before, name, after = found.groups()
    bracket = re.match(r"(<mrow>)?<mo[^>]*>&#x00028;|<mo>&#x0002C;|</", after)
    return (f'{before or ""}<mo lspace="{THIN if before else 0}" rspace="{0 if bracket else THIN}" '
            f'movablelimits="false">{name}</mo>')
