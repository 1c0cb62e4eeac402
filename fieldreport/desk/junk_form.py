"""What the form holds by whose rules letters are set aside."""

from __future__ import annotations

import flask

from fieldreport.desk.forms import parsed_id
from fieldreport.vault.cases.junk import Junk, KnownPicture, Rules


def typed(stored: Rules) -> Rules:
    """The rules as the form has them: of the stored pictures those whose tick was not taken away."""
    form = flask.request.form
    lines = (" ".join(each.split()) for each in form.get("phrases", "").splitlines())
    phrases = tuple(dict.fromkeys(each for each in lines if each))
    taken_away = set(form.getlist("shown")) - set(form.getlist("picture"))
    pictures = tuple(each for each in stored.pictures if name_of(each) not in taken_away)
    kinds = {Junk(each) for each in form.getlist("kind") if each in set(Junk)} - {Junk.PHRASE, Junk.PICTURE}
    kinds |= {kind for kind, named in ((Junk.PHRASE, phrases), (Junk.PICTURE, pictures)) if named}
    version = parsed_id(form.get("version", "")) or None
    return Rules(kinds=frozenset(kinds), phrases=phrases, pictures=pictures, version=version)


def name_of(picture: KnownPicture) -> str:
    """By what the form names a picture."""
    return f"{picture.likeness:032x}"
