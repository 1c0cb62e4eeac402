"""Samples of codecs that no encoder here makes: silence of a tenth of a second, made by FFmpeg 5.1, and packed.

Made by ``ffmpeg -f lavfi -i anullsrc=r=48000:cl=stereo -t 0.05 -c:a CODEC -strict -2``, for DTS with ``-t 0.1 -b:a
1000k``.
"""

from __future__ import annotations

import base64
import zlib


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b85decode(text))


def dts() -> bytes:
    """DTS, ten frames."""
    return _unpacked(_DTS)


def truehd() -> bytes:
    """TrueHD."""
    return _unpacked(_TRUEHD)


def mlp() -> bytes:
    """MLP."""
    return _unpacked(_MLP)


_DTS = (
    "c-rmMu?j&^9LMqhp(LdY1}5jqATwpSMM`lqT^@ieMsIKwn@!9HgEugH1DTb)fQ$xm816{f7{0&poHKpSub+90)ZJ|lH(He?d@-lULD{ptbwx"
    "rF#7TSpyq~Hi#>Z=E>bLa7iT2){RfG5OjJGIs*1KhKuwT_<$-LXp-`tUp$-a`CHGx11sb5P~>{blBNym{wim;n>94UenyUEYdaiox9H`z@(j"
    "ucYtCc8<;kwS{yWH;$JQb-}iZqjk22vY1O9VbX3#cmQhjucXVyqiyoE9d?"
)
_TRUEHD = (
    "c-n=LF-XHe6o%hj@^aTLI&~2OSp*Rr9W!<e;^1b$rJKd6n-LTQJJhW>W$YxKw7A&8p_|3YF*sGH=u~jf$mKr+9hxEexsSVhU;Zrod0m_wKM<"
    "wjevithce=*=<u^@<&NqVf&krKu{}COPFK7E(OKPP@TUjJ}w`b(i*I}lJ68Abv15LB5h-ovC5xsAWm|~NBrmjgP%}mOerj`~aB`liQD<V+Qw"
    "zO~3gvHp>94AX{Qo(Y^BnsuhDnFUl{T`S6-fl?A^xrRMImF#^hH2#jcRK;7(}Jnf!Q9Tk(h2rDb0pUXb$7ADO>l~PY3azMJakv~$MybXW6AI"
    "3u25X-&u6as%b8>RTkhg+&S1(@OAAo1iMhQ9t$A%r`!My!mgb;J!&FuM#i3f+pECV5jo-zR-_vufRIR@et0CrAGnlFc)^va=bPJQ|s=p5Ffu"
    "&V{#Ci^wM%CXhld|Al"
)
_MLP = (
    "c-n=LF-XHe6oy|edAaM<=u{9PkVO!|(J`ADgE+VuaOq}o>Si1S!47pRP8mB%CoMSG!J(U_lVfnIPSL60pq0yi20C>6$;Z3*zWiD6^Ey8}eXQ"
    "5XdN>G)sB^x?hc;1~(#C$|uYZ0JS>6JW`os3lw-OYkC)-(Qb?z?6p|9gi5+%+}nEHw)*CEqZB0_rK95BT?c}#7c7Btf-V;UP;=#;S4z^oO5T"
    "1`W{I*r&G8k*x}p>!%(?CL~;I9lZ=(yHInlHc1cNs<2h<t+NxEhe~D%(2_{LG1{pb_;jgJwr#BwP#3<2kPu$!b$Lob7km2r#x_0_Q%!!L~Y4"
    "$dS6Jc^ye{`{pHLt{w=q$n=_d5*w6yhZQyP<L~Cx-&@N2fp`kgbR4|oge{mpJ_9u0J4efWi<oEm%OIhh}z_O3K<pid3j&I7x6)M7Is_d`Ds%"
    "L1~AF-OjrB?R$3*}$n2>"
)
