"""The built-in pairs: thousands of them, the same everywhere, and their grammar is right."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from itertools import pairwise

import pytest

from explorer.errors import DataError
from explorer.text.door import normal
from explorer.text.pair_corpora import (
    LONGEST,
    PAIR_CORPORA,
    dates,
    english,
    english_chinese_words,
    english_french_words,
    french,
    pair_corpus,
)
from explorer.text.pairs import Pairs

FRENCH = [target for _, target in pair_corpus("english-french").rows]
CHINESE = pair_corpus("english-chinese").rows
VOWEL = "[aeiouyhàâéèêîôœAEIOUHÉ]"
ALIKE = {noun.french for noun in english_french_words.NOUNS
         if french.plural(noun.french) == noun.french}  # un ours, des ours
ASPIRATED = "(?:hibou|hamster|haricot|héros)"


@pytest.mark.parametrize("name", PAIR_CORPORA)
def test_each_has_thousands_of_distinct_clean_pairs(name: str) -> None:
    pairs, known = pair_corpus(name), PAIR_CORPORA[name]
    assert pairs.name == known.title
    assert len(pairs.rows) == known.size
    assert 5_000 <= len(pairs.rows) <= 20_000
    assert len({source for source, _ in pairs.rows}) == known.size
    assert all(source.strip() == source and target.strip() == target and source and target
               for source, target in pairs.rows)
    assert normal(pairs.content) == pairs.content
    assert max(len(side.split()) for row in pairs.rows for side in row) <= LONGEST
    assert known.about.endswith(".")
    assert Pairs(pairs.name, pairs.content, pairs.encoding) == pairs


def test_they_are_the_same_in_another_process() -> None:
    code = ("from explorer.text.pair_corpora import *\n"
            "print(*[pair_corpus(name).sha256 for name in PAIR_CORPORA])")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONHASHSEED": "7", "PYTHONPATH": "."})
    assert said.stdout.split() == [pair_corpus(name).sha256 for name in PAIR_CORPORA]


def test_an_unknown_one_names_those_that_there_are() -> None:
    with pytest.raises(DataError, match="“klingon”; there are: english-french, english-chinese"):
        pair_corpus("klingon")


@pytest.mark.parametrize("name", ["english-french", "english-chinese"])
def test_sentences_vary_in_length_and_words(name: str) -> None:
    sources = [source for source, _ in pair_corpus(name).rows]
    lengths = [len(source.split()) for source in sources]
    assert sum(length <= 3 for length in lengths) > 200, "some short ones"
    assert sum(length >= 10 for length in lengths) > 500, "some long ones"
    words = {word for source in sources for word in re.findall("[a-zA-Z]+", source.lower())}
    assert 300 < len(words) < 1000


# English


@pytest.mark.parametrize(("noun", "many"), [
    ("box", "boxes"), ("story", "stories"), ("boy", "boys"), ("child", "children"),
    ("watch", "watches"), ("sheep", "sheep"), ("scarf", "scarves"), ("hero", "heroes")])
def test_english_plurals(noun: str, many: str) -> None:
    assert english.plural(noun) == many


@pytest.mark.parametrize(("verb", "he", "was", "doing"), [
    ("carry", "carries", "carried", "carrying"), ("go", "goes", "went", "going"),
    ("watch", "watches", "watched", "watching"), ("run", "runs", "ran", "running"),
    ("write", "writes", "wrote", "writing"), ("have", "has", "had", "having"),
    ("play", "plays", "played", "playing"), ("see", "sees", "saw", "seeing"),
    ("travel", "travels", "travelled", "travelling"), ("cry", "cries", "cried", "crying")])
def test_english_verbs(verb: str, he: str, was: str, doing: str) -> None:
    assert (english.third(verb), english.past(verb), english.ing(verb)) == (he, was, doing)


@pytest.mark.parametrize(("tense", "plain", "said"), [
    ("present", True, ("", "looks at")), ("present", False, ("does", "look at")),
    ("past", True, ("", "looked at")), ("past", False, ("did", "look at")),
    ("was", True, ("was", "looking at")), ("future", False, ("will", "look at")),
    ("want", False, ("does", "want to look at")), ("going", True, ("is", "going to look at")),
    ("used", False, ("did", "use to look at")), ("can", True, ("can", "look at"))])
def test_english_tenses(tense: str, plain: bool, said: tuple[str, str]) -> None:
    assert english.conjugated("look at", tense, 2, plain) == said


def test_english_articles_and_the_first_letter() -> None:
    assert english.sentence("a old man sees a useful tool", ".") == "An old man sees a useful tool."
    for source, _ in (*pair_corpus("english-french").rows, *CHINESE):
        assert not re.search(r"\b[Aa] (?!useful|university)[aeiou]|\b[Aa]n [^aeiou]", source)
        assert source[0].isupper()


# French


@pytest.mark.parametrize(("adjective", "forms"), [
    ("petit", "petit petite petits petites"), ("heureux", "heureux heureuse heureux heureuses"),
    ("vieux", "vieux vieille vieux vieilles"), ("beau", "beau belle beaux belles"),
    ("nouveau", "nouveau nouvelle nouveaux nouvelles"), ("fier", "fier fière fiers fières"),
    ("bon", "bon bonne bons bonnes"), ("blanc", "blanc blanche blancs blanches"),
    ("rouge", "rouge rouge rouges rouges"), ("frais", "frais fraîche frais fraîches"),
    ("bleu", "bleu bleue bleus bleues"), ("gros", "gros grosse gros grosses"),
    ("gentil", "gentil gentille gentils gentilles"), ("long", "long longue longs longues"),
    ("fatigué", "fatigué fatiguée fatigués fatiguées"), ("noir", "noir noire noirs noires"),
    ("délicieux", "délicieux délicieuse délicieux délicieuses"),
    ("élégant", "élégant élégante élégants élégantes")])
def test_french_adjectives_agree(adjective: str, forms: str) -> None:
    assert [french.agreed(adjective, gender, many) for many in (False, True)
            for gender in "mf"] == forms.split()


@pytest.mark.parametrize(("one", "many"), [
    ("chat", "chats"), ("gâteau", "gâteaux"), ("journal", "journaux"), ("souris", "souris"),
    ("cheval", "chevaux"), ("hibou", "hiboux"), ("oiseau", "oiseaux"), ("hôpital", "hôpitaux")])
def test_french_plurals(one: str, many: str) -> None:
    assert french.plural(one) == many


@pytest.mark.parametrize(("verb", "forms"), [
    ("manger", "mange manges mange mangeons mangez mangent"),
    ("finir", "finis finis finit finissons finissez finissent"),
    ("vendre", "vends vends vend vendons vendez vendent"),
    ("acheter", "achète achètes achète achetons achetez achètent"),
    ("appeler", "appelle appelles appelle appelons appelez appellent"),
    ("prendre", "prends prends prend prenons prenez prennent"),
    ("ouvrir", "ouvre ouvres ouvre ouvrons ouvrez ouvrent"),
    ("offrir", "offre offres offre offrons offrez offrent"),
    ("revenir", "reviens reviens revient revenons revenez reviennent"),
    ("boire", "bois bois boit buvons buvez boivent"),
    ("sortir", "sors sors sort sortons sortez sortent"),
    ("être", "suis es est sommes êtes sont"),
    ("aller", "vais vas va allons allez vont")])
def test_french_present(verb: str, forms: str) -> None:
    assert [french.present(verb, person) for person in range(6)] == forms.split()


@pytest.mark.parametrize(("verb", "was", "will", "done", "do"), [
    ("manger", "mangeais mangions", "mangerai", "mangé", "mange"),
    ("voyager", "voyageais voyagions", "voyagerai", "voyagé", "voyage"),
    ("finir", "finissais finissions", "finirai", "fini", "finis"),
    ("vendre", "vendais vendions", "vendrai", "vendu", "vends"),
    ("acheter", "achetais achetions", "achèterai", "acheté", "achète"),
    ("appeler", "appelais appelions", "appellerai", "appelé", "appelle"),
    ("voir", "voyais voyions", "verrai", "vu", "vois"),
    ("lire", "lisais lisions", "lirai", "lu", "lis"),
    ("prendre", "prenais prenions", "prendrai", "pris", "prends"),
    ("ouvrir", "ouvrais ouvrions", "ouvrirai", "ouvert", "ouvre"),
    ("offrir", "offrais offrions", "offrirai", "offert", "offre"),
    ("revenir", "revenais revenions", "reviendrai", "revenu", "reviens"),
    ("aller", "allais allions", "irai", "allé", "va"),
    ("être", "étais étions", "serai", "été", "es"),
    ("avoir", "avais avions", "aurai", "eu", "as"),
    ("connaître", "connaissais connaissions", "connaîtrai", "connu", "connais"),
    ("courir", "courais courions", "courrai", "couru", "cours"),
    ("rire", "riais riions", "rirai", "ri", "ris"),
    ("dormir", "dormais dormions", "dormirai", "dormi", "dors")])
def test_french_tenses(verb: str, was: str, will: str, done: str, do: str) -> None:
    assert [french.imperfect(verb, person) for person in (0, 3)] == was.split()
    assert french.future(verb, 0) == will
    assert (french.participle(verb), french.imperative(verb)) == (done, do)


@pytest.mark.parametrize(("words", "said"), [
    ("je ne ai pas le argent de le ami", "Je n'ai pas l'argent de l'ami."),
    ("le hibou de le héros", "Le hibou du héros."),
    ("ma école à les enfants", "Mon école aux enfants."),
    ("ce arbre que elle aime", "Cet arbre qu'elle aime."),
    ("ce haricot , sa horloge", "Ce haricot, son horloge."),
    ("il la appelle à le marché", "Il l'appelle au marché."),
    ("beaucoup de œufs de les oncles", "Beaucoup d'œufs des oncles.")])
def test_french_sounds(words: str, said: str) -> None:
    assert french.sentence(words, ".") == said


def test_small_words_give_way_to_vowels_everywhere() -> None:
    small = re.compile(rf"\b(je|ne|que|de|le|la|ma|ta|sa|ce|beau|nouveau) (?!{ASPIRATED}){VOWEL}",
                       re.IGNORECASE)
    wrong = re.compile(rf"['’](?:{ASPIRATED}|(?!{VOWEL})\w)|\b(de|à) les?\b|\bun[e]?'|  | \.")
    for said in FRENCH:
        assert not small.search(said), said
        assert not wrong.search(said), said
        assert re.search(r"\w(\.| \?| !)$", said), said
    assert sum("'" in said for said in FRENCH) > 1000


def test_determiners_have_the_gender_and_number_of_their_nouns() -> None:
    feminine, masculine = set(), set()
    for noun in english_french_words.NOUNS:
        (feminine if noun.gender == "f" else masculine).add(noun.french)
    several = {french.plural(noun) for noun in feminine | masculine} - feminine - masculine
    wanted = {**dict.fromkeys(("un", "le", "ce", "du", "au", "cet"), masculine),
              **dict.fromkeys(("une", "la", "cette", "ma", "ta", "sa"), feminine),
              **dict.fromkeys(("les", "des", "ces", "mes", "tes", "ses", "nos", "leurs", "aux",
                               "deux", "trois", "quatre"), several | ALIKE)}
    nouns, seen = masculine | feminine | several, 0
    for said in FRENCH:
        words = re.findall(r"[\w-]+'?", said.lower())
        for at, word in enumerate(words):
            follows = next((w for w in words[at + 1 : at + 3] if w in nouns), None)
            if word in wanted and follows and not _is_pronoun(words, at):
                seen += 1
                assert follows in wanted[word], said
    assert seen > 10_000


def _is_pronoun(words: list[str], at: int) -> bool:
    """le, la, les before a verb: il les montre."""
    return at > 0 and words[at - 1] in ("je", "tu", "il", "elle", "nous", "ils", "elles", "ne")


def test_adjectives_beside_their_nouns_agree() -> None:
    forms = {}
    for noun in english_french_words.NOUNS:
        forms[noun.french] = (noun.gender, False)
        if not noun.mass and french.plural(noun.french) != noun.french:
            forms[french.plural(noun.french)] = (noun.gender, True)
    adjectives = {french.agreed(each.french, gender, many): each.french
                  for kind in english_french_words.ADJECTIVES.values() for each in kind
                  if not each.leads and each.french != "court"  # she runs, too
                  for gender in "mf" for many in (False, True)}
    seen = 0
    for said in FRENCH:
        words = re.findall(r"[\w-]+'?", said.lower())
        for noun, adjective in pairwise(words):
            if noun in forms and adjective in adjectives and noun not in ALIKE:
                seen += 1
                assert adjective == french.agreed(adjectives[adjective], *forms[noun]), said
    assert seen > 1_000


def test_what_is_said_of_her_and_of_them_agrees() -> None:
    adjectives = [each.french for each in english_french_words.ADJECTIVES["person"]]
    for subject, gender, many in (("elle (?:n')?(?:est|était|sera)", "f", False),
                                  ("elles (?:ne )?(?:n')?(?:sont|étaient|seront)", "f", True),
                                  ("(?:il|je|tu) (?:ne )?(?:n')?(?:suis|es|est|était|étais)", "m",
                                   False),
                                  ("(?:ils|nous) (?:ne )?(?:sont|sommes|seront)", "m", True)):
        right = {french.agreed(each, gender, many) for each in adjectives}
        pattern = re.compile(rf"\b{subject} (?:pas )?(?:très |trop )?(\w+)[.?! ]", re.IGNORECASE)
        found = [match[1] for said in FRENCH if (match := pattern.search(said))]
        about = [word for word in found if word in
                 {french.agreed(each, g, m) for each in adjectives for g in "mf" for m in (0, 1)}]
        assert len(about) > 5, subject
        assert set(about) <= right


def test_verbs_agree_with_pronouns() -> None:
    """tu …s or …x, nous …ons, ils …nt, in every tense; and before it ne, or an object."""
    between = r"(?:ne |n'|l'|le |la |les )*"
    for subject, ending in (("tu", r"\w*[sx]|\w+as"), ("nous", r"\w+ons|sommes"),
                            ("(?:ils|elles)", r"\w+nt")):
        wrong = re.compile(rf"\b{subject} {between}(?!(?:{ending})\b)(\w+)", re.IGNORECASE)
        right = re.compile(rf"\b{subject} {between}(?:{ending})\b", re.IGNORECASE)
        assert sum(bool(right.search(said)) for said in FRENCH) > 500
        for said in FRENCH:
            found = wrong.search(said)
            assert not found or found[1] in ("ne", "n", "l", "le", "la", "les"), said


def test_participles_agree_with_who_went_and_with_what_stands_before() -> None:
    roots = {french.participle(verb) + ending: french.participle(verb)
             for verb in french.WITH_BE for ending in ("", "e", "s", "es")}
    gone = re.compile(r"\b(elles?|ils?|nous|je|tu) (?:ne )?(?:n')?(?:suis|es|est|sommes|sont) "
                      r"(?:pas )?(\w+)", re.IGNORECASE)
    endings = {"elle": "e", "elles": "es", "ils": "s", "nous": "s", "il": "", "je": "", "tu": ""}
    seen, called = set(), 0
    for said in FRENCH:
        if (match := gone.search(said)) and match[2] in roots:
            seen.add(match[1].lower())
            assert match[2] == roots[match[2]] + endings[match[1].lower()], said
        if match := re.search(r"\bles (?:ai|as|a|avons|ont) (?:pas )?(\w+)", said):
            called += 1
            assert match[1].endswith("s"), said
    assert {"elle", "ils", "nous", "il"} <= seen
    assert called > 50
    assert sum(bool(re.search(r"l'(ai|as|a|avons|ont) \w+[ui]e\b", s)) for s in FRENCH) > 5, "vue"


def test_denials_have_both_halves() -> None:
    for said in FRENCH:
        assert bool(re.search(r"\b[Nn](e |')", said)) == (" pas" in said), said


@pytest.mark.parametrize(("source", "target"), [
    ("I am hungry.", "J'ai faim."), ("She is tired.", "Elle est fatiguée."),
    ("They admire her.", "Ils l'admirent."), ("They will be cold.", "Ils auront froid.")])
def test_simple_sentences_are_said_as_one_says_them(source: str, target: str) -> None:
    assert dict(pair_corpus("english-french").rows)[source] == target


# Chinese


def test_what_is_counted_has_its_measure_word() -> None:
    measures = {noun.chinese: noun.measure for noun in english_chinese_words.NOUNS}
    adjectives = "|".join(sorted((each.chinese + each.links for kind in
                                  english_chinese_words.ADJECTIVES.values() for each in kind),
                                 key=len, reverse=True))
    nouns = "|".join(sorted(measures, key=len, reverse=True))
    counted = re.compile(f"(?:[一两三四五六七八九十这那])([{''.join(set(measures.values()))}])"
                         f"(?:{adjectives})?({nouns})")
    seen = 0
    for _, said in CHINESE:
        for measure, noun in counted.findall(said):
            seen += 1
            assert measures[noun] == measure, said
        assert not re.search("[两三四五六七八九十]的|二", said)
    assert seen > 5_000


def test_time_comes_before_place_and_verb_and_particles_where_they_belong() -> None:
    times = [word for tense in english_chinese_words.TIMES.values() for _, word in tense]
    places = [word for _, word in english_chinese_words.PLACES]
    both = 0
    for source, said in CHINESE:
        when = next((said.index(word) for word in times if word in said), None)
        where = next((said.index(word) for word in places if word in said), None)
        if when is not None and where is not None:
            both += 1
            assert when < where, said
        if "没" in said:
            assert "了" not in said, said
        assert said.endswith("？") == source.endswith("?")
        assert ("吗" in said) == (source.endswith("?") and not source.startswith(("Wh", "Who")))
        assert not re.search(r"[ .?]|不没|没不|不在去", said)
    assert both > 300


@pytest.mark.parametrize(("how", "said"), [
    ("not", "[不没]"), (" is .*ing ", "在"), ("did not", "没"), (r"\bhas\b", "有"),
    ("want", "想"), ("will", "要|不会"), (r"^What ", "什么"), (r"^Where ", "哪里")])
def test_words_that_answer_to_each_other(how: str, said: str) -> None:
    found = [target for source, target in CHINESE if re.search(how, source)
             and not re.search("interesting|going to|wearing|dumpling", source)]
    assert len(found) > 50
    assert all(re.search(said, target) for target in found)


# Dates, reversal, addition


def test_some_ways_to_write_a_date() -> None:
    said = [dates.written(date(2024, 7, 3), how) for how in dates.FORMATS[:3]]
    assert said == ["3 July 2024", "July 3, 2024", "July 3rd, 2024"]


def test_every_way_to_write_a_date_is_read_back() -> None:
    ways = {how: dates.written(date(2024, 3, 7), how) for how in dates.FORMATS}
    assert len(set(ways.values())) == len(dates.FORMATS)
    assert "Thursday, 7 March 2024" in ways.values()
    assert "the 7th of March 2024" in ways.values()
    assert "07.03.2024" in ways.values()
    months = {month[:3]: i for i, month in enumerate(dates.MONTHS, 1)}
    for source, target in pair_corpus("dates").rows:
        day = date.fromisoformat(target)
        assert str(day.year) in source
        assert re.search(rf"\b0?{day.day}(st|nd|rd|th)?\b", source)
        names = [months[name[:3]] for name in re.findall("[A-Z][a-z]+", source)
                 if name[:3] in months and name not in dates.DAYS]
        assert names == [day.month] or re.search(rf"\b0?{day.month}\b", source), source
        weekday = re.match("(Mon|Tue|Wed|Thu|Fri|Sat|Sun)", source)
        assert not weekday or dates.DAYS[day.weekday()].startswith(weekday[0])


def test_nth() -> None:
    said = [dates.nth(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 30, 31)]
    assert " ".join(said) == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 30th 31st"


def test_words_are_reversed_and_sums_come_out() -> None:
    for word, reversed_word in pair_corpus("reversal").rows:
        assert word == "".join(reversed(reversed_word))
        assert re.fullmatch("[a-z]{3,9}", word)
    for question, answer in pair_corpus("addition").rows:
        one, other = question.split("+")
        assert int(one) + int(other) == int(answer)
        assert str(int(one)) == one
    assert max(len(question) for question, _ in pair_corpus("addition").rows) == 7
