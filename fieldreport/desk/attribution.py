"""How an article names a source who cannot be named: what the source asked to be called, and why there is no name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# By language: what stands where the source described nothing, and the reason around it.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("a source based in …", "{}, who cannot give their name because of safety reasons"),
    "ko": ("…에 있는 취재원", "신변 안전을 위해 이름을 밝힐 수 없는 {}"),
    "zh-Hans": ("一名身在……的消息人士", "{}（因安全原因不能透露姓名）"),
    "zh-Hant": ("一名身在……的消息人士", "{}（因安全原因不能透露姓名）"),
    "ja": ("……にいる情報提供者", "{}（安全上の理由で名前は明かせない）"),
    "ru": ("источник в …", "{} (имя не называется по соображениям безопасности)"),
    "ar": ("مصدر في …", "{} (لا يمكن ذكر الاسم لأسباب تتعلق بالسلامة)"),
    "fa": ("منبعی در …", "{} (نام به دلایل امنیتی ذکر نمی‌شود)"),
    "fr": ("une source basée en …", "{} (dont le nom ne peut être donné pour des raisons de sécurité)"),
    "es": ("una fuente en …", "{} (cuyo nombre no puede darse por razones de seguridad)"),
    "pt": ("uma fonte em …", "{} (cujo nome não pode ser dado por razões de segurança)"),
    "tr": ("… içindeki bir kaynak", "{} (adı güvenlik nedeniyle verilemiyor)"),
}


def attribution(language: str, described: str = "") -> str:
    """The words for an article in ``language``; ``described``: by the source, one line. English where we know no other.

    Where the source described nothing, three dots stand for what the editor fills in.
    """
    nobody, reason = _WORDS.get(language) or _WORDS.get(language.partition("-")[0]) or _WORDS["en"]
    return reason.format(" ".join(described.split()).rstrip(".。") or nobody)
