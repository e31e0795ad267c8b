"""Colours and style of the page: light, dark, and print."""

import hashlib

LIGHT, DARK = (65, 86), (42, 25)
"""Saturation and lightness in percent of a device that a model holds; the hue is the model's."""

INK, PAPER = {"light": "#16181d", "dark": "#f2f4f8"}, {"light": "#ffffff", "dark": "#15171c"}


def hue(name: str) -> int:
    """The hue of a model, 0 to 359 degrees: the same in every stack, on every page."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 360


_LIGHT = f"""\
--paper:{PAPER["light"]};--ink:{INK["light"]};--dim:#565d6b;--line:#8a92a1;--box:#f5f6f8;\
--sat:{LIGHT[0]}%;--lum:{LIGHT[1]}%;--edge:38%;--mark:#b3261e;--hatch:#8a92a1;--link:#0b57d0"""
_DARK = f"""\
--paper:{PAPER["dark"]};--ink:{INK["dark"]};--dim:#b4bac6;--line:#767e8d;--box:#1f2229;\
--sat:{DARK[0]}%;--lum:{DARK[1]}%;--edge:68%;--mark:#ff8a80;--hatch:#767e8d;--link:#8ab4f8"""

# What a reference draws is matched by simple selectors alone: by `text`, but not by `svg text`.
# https://www.w3.org/TR/SVG2/struct.html#UseStyleInheritance
SHEET = f"""\
:root{{color-scheme:light dark;{_LIGHT}}}
@media screen and (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;padding:1.5rem;max-width:1500px;background:var(--paper);color:var(--ink);\
font:15px/1.45 system-ui,"Segoe UI","DejaVu Sans",sans-serif}}
a{{color:var(--link)}}
h1{{font-size:1.5rem;margin:0 0 .25rem}}
h2{{font-size:1.2rem;margin:2.2rem 0 .5rem;padding-top:.5rem;border-top:2px solid var(--line)}}
h3{{font-size:1.05rem;margin:0}}
h4{{font-size:.9rem;margin:.2rem 0 .5rem;font-weight:600}}
p{{margin:.3rem 0}}
.dim{{color:var(--dim)}}
.pool{{background:var(--box);border-radius:8px;padding:.9rem 1rem;margin:.8rem 0}}
.badge{{font-size:.8rem;font-weight:600;border:1px solid var(--line);border-radius:9px;\
padding:0 .5rem;margin-left:.4rem}}
.sides{{display:flex;flex-wrap:wrap;gap:.6rem 2.5rem;margin-top:.6rem}}
.sides>div{{flex:1 1 560px;min-width:0;max-width:100%}}
.compared{{display:grid;grid-template-columns:1fr 1fr;gap:.2rem 1.5rem;margin-top:.6rem}}
.compared>*{{min-width:0}}
.wide{{overflow-x:auto}}
figure{{display:inline-block;margin:0 1.2rem .8rem 0;vertical-align:top;max-width:100%}}
figcaption{{font-size:.85rem;color:var(--dim)}}
svg.chip{{display:block;max-width:100%;height:auto}}
table{{border-collapse:collapse;font-size:.88rem;margin:.3rem 0}}
th,td{{text-align:left;padding:.15rem 1rem .15rem 0;vertical-align:top;overflow-wrap:anywhere}}
th{{color:var(--dim);font-weight:600;white-space:nowrap}}
td.n{{white-space:nowrap}}
.key{{display:inline-block;width:.85em;height:.85em;border-radius:3px;margin-right:.4em;\
vertical-align:-.05em;background:hsl(var(--h) var(--sat) var(--lum));\
border:1px solid hsl(var(--h) 55% var(--edge))}}
.l{{stroke:var(--line);fill:none;stroke-width:1.5}}
.w{{stroke-dasharray:2 3}}
.h{{fill:hsl(var(--h) var(--sat) var(--lum));stroke:hsl(var(--h) 55% var(--edge));\
stroke-width:1.5}}
.h path{{stroke-width:6;stroke-dasharray:none}}
.f{{fill:var(--box);stroke:var(--line);stroke-dasharray:2 4}}
.f path,.j path{{stroke-width:4;stroke-dasharray:none}}
.f text,.q{{fill:var(--dim)}}
.j{{fill:url(#hatch);stroke:var(--line);stroke-width:1.5;stroke-dasharray:7 3}}
svg .j text{{paint-order:stroke;stroke:var(--box);stroke-width:4px;stroke-linejoin:round}}
.s use{{stroke-dasharray:6 4;stroke-width:2}}
svg .c{{fill:var(--mark);stroke:none}}
text{{font:10.5px/1 "DejaVu Sans Mono",ui-monospace,Menlo,Consolas,monospace;\
fill:var(--ink);stroke:none}}
.d{{font-size:9px;opacity:.85}}
.b{{fill:var(--box);stroke:none}}
.t{{stroke:var(--hatch);stroke-width:2}}
summary{{cursor:pointer;margin-top:2rem;font-weight:600}}
@media print{{body{{max-width:none;padding:0;font-size:10pt}}*{{-webkit-print-color-adjust:exact;\
print-color-adjust:exact}}.pool{{border:1px solid var(--line)}}a{{color:inherit}}\
h2,h3,h4,tr:first-child{{break-after:avoid}}figure,tr{{break-inside:avoid}}\
.wide{{overflow:visible}}.compared{{gap:.2rem .8rem}}\
table{{font-size:8pt}}th,td{{padding-right:.5rem}}}}
@media screen and (max-width:700px){{figure{{overflow-x:auto}}svg.chip{{max-width:none}}}}
@media screen and (max-width:1000px){{body{{padding:.8rem}}.compared{{display:block}}}}
"""
