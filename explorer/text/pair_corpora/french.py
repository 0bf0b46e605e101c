"""French of the built-in pairs: how nouns, adjectives and verbs agree, and what sound does to
small words. Regular forms follow rules; the tables hold the others, of the words that are used.
"""

from __future__ import annotations

import re

Gender = str  # "m" or "f"

_FEMININES = dict(pair.split("=") for pair in (
    "blanc=blanche vieux=vieille beau=belle nouveau=nouvelle gros=grosse gentil=gentille "
    "long=longue frais=fraîche doux=douce sec=sèche bas=basse épais=épaisse").split())
_BEFORE_VOWEL = {"beau": "bel", "nouveau": "nouvel", "vieux": "vieil"}
_PRESENTS = {line.split(":")[0].strip(): tuple(line.split(":")[1].split()) for line in """
    être: suis es est sommes êtes sont
    avoir: ai as a avons avez ont
    aller: vais vas va allons allez vont
    faire: fais fais fait faisons faites font
    voir: vois vois voit voyons voyez voient
    boire: bois bois boit buvons buvez boivent
    lire: lis lis lit lisons lisez lisent
    rire: ris ris rit rions riez rient
    dire: dis dis dit disons dites disent
    écrire: écris écris écrit écrivons écrivez écrivent
    suivre: suis suis suit suivons suivez suivent
    savoir: sais sais sait savons savez savent
    pouvoir: peux peux peut pouvons pouvez peuvent
    vouloir: veux veux veut voulons voulez veulent
    devoir: dois dois doit devons devez doivent
    courir: cours cours court courons courez courent
    connaître: connais connais connaît connaissons connaissez connaissent
    """.strip().splitlines()}
_ENDINGS = {  # the ending of the infinitive, longest first: the six endings of the present
    "prendre": "prends prends prend prenons prenez prennent",
    "mettre": "mets mets met mettons mettez mettent",
    "venir": "viens viens vient venons venez viennent",
    "dormir": "dors dors dort dormons dormez dorment",
    "partir": "pars pars part partons partez partent",
    "sortir": "sors sors sort sortons sortez sortent",
    "vrir": "vre vres vre vrons vrez vrent",
    "frir": "fre fres fre frons frez frent",
    "eler": "elle elles elle elons elez ellent",
    "eter": "ète ètes ète etons etez ètent",
    "ever": "ève èves ève evons evez èvent",
    "érer": "ère ères ère érons érez èrent",
    "ger": "ge ges ge geons gez gent",
    "cer": "ce ces ce çons cez cent",
    "er": "e es e ons ez ent",
    "ir": "is is it issons issez issent",
    "re": "s s  ons ez ent",
}
_FUTURES = {"être": "ser", "avoir": "aur", "aller": "ir", "faire": "fer", "voir": "verr",
            "savoir": "saur", "pouvoir": "pourr", "vouloir": "voudr", "devoir": "devr",
            "courir": "courr"}
_FUTURE_STEMS = {"venir": "viendr", "eter": "èter", "ever": "èver", "eler": "eller"}
_PARTICIPLES = {"être": "été", "avoir": "eu", "faire": "fait", "voir": "vu", "boire": "bu",
                "lire": "lu", "rire": "ri", "dire": "dit", "écrire": "écrit", "suivre": "suivi",
                "savoir": "su", "pouvoir": "pu", "vouloir": "voulu", "devoir": "dû",
                "courir": "couru", "connaître": "connu"}
_PARTICIPLE_ENDINGS = {"prendre": "pris", "mettre": "mis", "venir": "venu", "vrir": "vert",
                       "frir": "fert", "er": "é", "ir": "i", "re": "u"}
WITH_BE = {"aller", "arriver", "entrer", "partir", "rentrer", "rester", "revenir", "sortir",
           "tomber", "venir"}  # their perfect is made with être, and agrees with who did it

ASPIRATED = "hibou|haricot|héros|homard|haut|hamster"  # before these nothing is elided
_VOWEL = rf"(?=(?!{ASPIRATED})[aàâeéèêiîoôuyhœAÉEIOUH])"
_ELIDED = re.compile(rf"\b([jndl]e|la|que) {_VOWEL}", re.IGNORECASE)
_MASCULINE_SOUND = re.compile(rf"\b([mts])a {_VOWEL}", re.IGNORECASE)
_THIS = re.compile(rf"\b(ce) {_VOWEL}", re.IGNORECASE)
_CONTRACTED = {"de le": "du", "de les": "des", "à le": "au", "à les": "aux"}


def plural(word: str) -> str:
    """More than one: chat → chats, gâteau → gâteaux, journal → journaux, souris → souris."""
    if word[-1] in "sxz":
        return word
    if word.endswith("al"):
        return word[:-1] + "ux"
    return word + ("x" if word.endswith(("eau", "eu", "hibou")) else "s")


def feminine(adjective: str) -> str:
    """Of her: petit → petite, heureux → heureuse, cher → chère, bon → bonne."""
    if adjective in _FEMININES:
        return _FEMININES[adjective]
    for ending, becomes in {"e": "e", "eux": "euse", "er": "ère", "if": "ive", "on": "onne",
                            "en": "enne", "el": "elle"}.items():
        if adjective.endswith(ending):
            return adjective.removesuffix(ending) + becomes
    return adjective + "e"


def agreed(adjective: str, gender: Gender, many: bool) -> str:
    """An adjective or a participle as its noun wants it."""
    one = feminine(adjective) if gender == "f" else adjective
    if many and one == "bleu":
        return "bleus"
    return plural(one) if many else one


def before(adjective: str, noun: str) -> str:
    """An adjective of one masculine thing, as it stands before `noun`: un bel arbre."""
    if adjective in _BEFORE_VOWEL and re.match(_VOWEL, noun):
        return _BEFORE_VOWEL[adjective]
    return adjective


def present(verb: str, person: int) -> str:
    """Of an infinitive, for je, tu, il, nous, vous, ils = 0…5."""
    if verb in _PRESENTS:
        return _PRESENTS[verb][person]
    ending = _ending(verb, _ENDINGS)
    return verb.removesuffix(ending) + _ENDINGS[ending].split(" ")[person]


def imperfect(verb: str, person: int) -> str:
    """The stem of nous, and the endings of every verb; être alone has its own stem."""
    stem = "ét" if verb == "être" else present(verb, 3).removesuffix("ons")
    if person == 3:  # nous mangions: i keeps g and c soft by itself
        stem = re.sub("ge$", "g", re.sub("ç$", "c", stem))
    return stem + ("ais", "ais", "ait", "ions", "iez", "aient")[person]


def future(verb: str, person: int) -> str:
    """The infinitive, most often, and the endings of avoir."""
    ending = _ending(verb, _FUTURE_STEMS)
    stem = _FUTURES.get(verb) or (
        verb.removesuffix(ending) + _FUTURE_STEMS[ending] if ending else verb.removesuffix("e"))
    return stem + ("ai", "as", "a", "ons", "ez", "ont")[person]


def participle(verb: str) -> str:
    """What has been done: mangé, fini, vendu, pris."""
    if verb in _PARTICIPLES:
        return _PARTICIPLES[verb]
    ending = _ending(verb, _PARTICIPLE_ENDINGS)
    return verb.removesuffix(ending) + _PARTICIPLE_ENDINGS[ending]


def imperative(verb: str) -> str:
    """Said to one friend: mange, finis, va."""
    said = present(verb, 1)
    return said.removesuffix("s") if verb.endswith(("er", "vrir", "frir")) else said


def sentence(words: str, stop: str) -> str:
    """Words as a sentence: le ami → l'ami, de le → du, ma école → mon école, ce arbre → cet arbre;
    its first letter large."""
    words = " ".join(words.split())
    words = _MASCULINE_SOUND.sub(r"\1on ", words)
    words = _THIS.sub(r"\1t ", words)
    words = _ELIDED.sub(lambda found: found[1][:-1] + "'", words)
    words = re.sub(r"\b(de les?|à les?)(?= )", lambda found: _CONTRACTED[found[1]], words)
    words = words.replace(" ,", ",")
    return words[0].upper() + words[1:] + (stop if stop == "." else f" {stop}")


def _ending(verb: str, table: dict[str, str]) -> str:
    return next((ending for ending in table if verb.endswith(ending)), "")
