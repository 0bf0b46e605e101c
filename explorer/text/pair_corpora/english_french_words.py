"""The words of the English–French pairs: what goes with what, so that sentences make some sense."""

from __future__ import annotations

from typing import NamedTuple


class Noun(NamedTuple):
    """kind: what may be done to it. mass: it is not counted, as bread is not."""

    english: str
    french: str
    gender: str
    kind: str
    mass: bool


class Adjective(NamedTuple):
    """leads: in French it stands before its noun."""

    english: str
    french: str
    leads: bool


class Action(NamedTuple):
    """kinds: of the nouns that it may be done to, empty when it is done to nothing. state: it
    lasts: not "is knowing" in English, "savait" rather than "a su" in French."""

    english: str
    french: str
    kinds: tuple[str, ...]
    state: bool


_NOUNS = {
    "person": """girl fille f, boy garçon m, woman femme f, man homme m, child enfant m,
        teacher professeur m, student étudiant m, doctor médecin m, friend ami m,
        neighbour voisin m, baker boulanger m, farmer fermier m, singer chanteur m,
        actress actrice f, queen reine f, king roi m, nurse infirmière f, sister sœur f,
        brother frère m, mother mère f, father père m, uncle oncle m, aunt tante f,
        cousin cousine f, grandmother grand-mère f, painter peintre m, waitress serveuse f,
        hero héros m, writer écrivain m, lawyer avocat m""",
    "animal": """cat chat m, dog chien m, bird oiseau m, horse cheval m, cow vache f, owl hibou m,
        rabbit lapin m, mouse souris f, fish poisson m, sheep mouton m, duck canard m,
        bear ours m, goat chèvre f, frog grenouille f, hamster hamster m, tortoise tortue f,
        donkey âne m, bee abeille f, lion lion m, elephant éléphant m""",
    "food": """apple pomme f, orange orange f, cake gâteau m, egg œuf m, carrot carotte f,
        tomato tomate f, potato patate f, cherry cerise f, biscuit biscuit m, pear poire f,
        strawberry fraise f, sandwich sandwich m, bean haricot m, onion oignon m,
        pineapple ananas m, omelette omelette f, sweet bonbon m""",
    "thing": """book livre m, bag sac m, lamp lampe f, table table f, chair chaise f,
        car voiture f, bicycle vélo m, umbrella parapluie m, watch montre f, box boîte f,
        computer ordinateur m, phone téléphone m, key clé f, ball ballon m, toy jouet m,
        flower fleur f, camera caméra f, picture image f, guitar guitare f, piano piano m,
        knife couteau m, plate assiette f, boat bateau m, clock horloge f, tool outil m,
        bottle bouteille f""",
    "clothes": """shirt chemise f, dress robe f, hat chapeau m, coat manteau m, skirt jupe f,
        scarf écharpe f, jacket veste f, shoe chaussure f, sock chaussette f, jumper pull m""",
    "text": """letter lettre f, story histoire f, newspaper journal m, poem poème m,
        novel roman m, message message m, article article m, sentence phrase f, word mot m""",
    "door": """door porte f, window fenêtre f, drawer tiroir m, suitcase valise f, shop magasin m,
        wardrobe armoire f, envelope enveloppe f""",
    "inside": """garden jardin m, kitchen cuisine f, forest forêt f, house maison f,
        office bureau m, church église f, classroom classe f, park parc m, hotel hôtel m,
        castle château m, museum musée m, library bibliothèque f, hospital hôpital m""",
    "outside": """market marché m, school école f, beach plage f, station gare f,
        airport aéroport m, university université f, cinema cinéma m, theatre théâtre m,
        post_office poste f, restaurant restaurant m, swimming_pool piscine f, factory usine f""",
}  # fmt: skip
_MASS = {
    "food": """bread pain m, cheese fromage m, meat viande f, rice riz m, soup soupe f,
        salad salade f, jam confiture f, chocolate chocolat m, honey miel m, butter beurre m""",
    "drink": """water eau f, milk lait m, coffee café m, tea thé m, wine vin m, juice jus m,
        lemonade limonade f, beer bière f""",
}
_ADJECTIVES = {  # a star: before the noun
    "person": """young jeune*, old vieux*, tall grand*, little petit*, happy heureux, rich riche,
        poor pauvre, kind gentil*, famous célèbre, sad triste, tired fatigué, serious sérieux,
        clever intelligent, strong fort, proud fier, curious curieux, busy occupé, shy timide,
        polite poli, calm calme""",
    "animal": """old vieux*, big gros*, little petit*, white blanc, black noir, brown brun,
        beautiful beau*, gentle doux, wild sauvage, quick rapide, hungry affamé, grey gris""",
    "food": """good bon*, bad mauvais*, fresh frais, hot chaud, cold froid, sweet sucré,
        delicious délicieux, excellent excellent""",
    "drink": "good bon*, bad mauvais*, hot chaud, cold froid, sweet sucré, fresh frais",
    "thing": """new nouveau*, old vieux*, big grand*, little petit*, red rouge, green vert,
        blue bleu, white blanc, black noir, beautiful beau*, pretty joli*, expensive cher,
        heavy lourd, broken cassé, round rond, strange étrange, useful utile""",
    "clothes": """new nouveau*, old vieux*, red rouge, green vert, blue bleu, white blanc,
        black noir, beautiful beau*, pretty joli*, expensive cher, long long, warm chaud,
        elegant élégant, dirty sale, clean propre""",
    "text": """long long, short court, new nouveau*, interesting intéressant, beautiful beau*,
        strange étrange, difficult difficile, easy facile, sad triste, important important""",
    "door": "big grand*, little petit*, old vieux*, new nouveau*, open ouvert, heavy lourd",
    "inside": "old vieux*, big grand*, little petit*, beautiful beau*, quiet calme",
    "outside": "new nouveau*, big grand*, little petit*, old vieux*",
}
_ANYTHING = "person animal thing clothes text"
_ACTIONS = {  # English, French: what it is done to; "state" among them when it lasts
    "eat manger": "food", "drink boire": "drink", "prepare préparer": "food drink",
    "buy acheter": "food drink thing clothes text", "sell vendre": "food thing clothes",
    "choose choisir": "food thing clothes text", "see voir": _ANYTHING,
    "look_at regarder": "person animal thing text", "look_for chercher": _ANYTHING,
    "find trouver": "animal thing clothes text", "draw dessiner": "person animal thing",
    "wash laver": "clothes animal", "carry porter": "thing", "read lire": "text",
    "write écrire": "text", "open ouvrir": "door", "close fermer": "door",
    "listen_to écouter": "person", "call appeler": "person", "help aider": "person",
    "follow suivre": "person animal", "wait_for attendre": "person",
    "hear entendre": "person animal", "lose perdre": "thing clothes",
    "take prendre": "thing clothes food", "bring apporter": "food drink thing clothes",
    "cut couper": "food", "finish finir": "text", "break casser": "thing",
    "repair réparer": "thing", "hide cacher": "thing text", "thank remercier": "person",
    "love aimer": "person animal text state", "hate détester": "person animal state",
    "know connaître": "person text state", "admire admirer": "person state",
    "sleep dormir": "", "work travailler": "", "sing chanter": "", "dance danser": "",
    "run courir": "", "swim nager": "", "play jouer": "", "cry pleurer": "", "laugh rire": "",
    "walk marcher": "", "travel voyager": "", "stay rester": "", "fall tomber": "",
    "speak parler": "", "arrive arriver": "", "leave partir": "", "go_out sortir": "",
}  # fmt: skip
_GIFTS = "give donner, show montrer, bring apporter, sell vendre, offer offrir, lend prêter"

NAMES = {"Marie": "f", "Paul": "m", "Anne": "f", "Louis": "m", "Emma": "f", "Hugo": "m",
         "Alice": "f", "Antoine": "m", "Claire": "f", "Émile": "m", "Julie": "f", "Lucas": "m"}
FEELINGS = (("hungry", "faim"), ("thirsty", "soif"), ("cold", "froid"), ("hot", "chaud"),
            ("afraid", "peur"), ("sleepy", "sommeil"), ("right", "raison"), ("wrong", "tort"))
NUMBERS = (("two", "deux"), ("three", "trois"), ("four", "quatre"), ("five", "cinq"),
           ("six", "six"), ("seven", "sept"), ("nine", "neuf"), ("ten", "dix"))
AGES = (("six", "six"), ("ten", "dix"), ("fifteen", "quinze"), ("twenty", "vingt"),
        ("thirty", "trente"), ("forty", "quarante"))
TIMES = {
    "present": (("every day", "tous les jours"), ("in the morning", "le matin"),
                ("in the evening", "le soir"), ("on Sundays", "le dimanche"),
                ("every week", "chaque semaine"), ("in winter", "en hiver")),
    "progressive": (("now", "maintenant"), ("today", "aujourd'hui"),
                    ("at the moment", "en ce moment")),
    "past": (("yesterday", "hier"), ("last week", "la semaine dernière"),
             ("this morning", "ce matin"), ("two days ago", "il y a deux jours"),
             ("a year ago", "il y a un an"), ("last summer", "l'été dernier"),
             ("yesterday evening", "hier soir")),
    "future": (("tomorrow", "demain"), ("next week", "la semaine prochaine"),
               ("tonight", "ce soir"), ("next year", "l'année prochaine"),
               ("in two days", "dans deux jours"), ("tomorrow morning", "demain matin")),
}  # fmt: skip


def _nouns(table: dict[str, str], mass: bool) -> list[Noun]:
    found = []
    for kind, words in table.items():
        for each in words.split(","):
            english, french, gender = each.split()
            found.append(Noun(english.replace("_", " "), french, gender, kind, mass))
    return found


NOUNS = list(dict.fromkeys(_nouns(_NOUNS, False) + _nouns(_MASS, True)))
BY_KIND = {kind: [noun for noun in NOUNS if noun.kind == kind] for kind in [*_NOUNS, "drink"]}
ADJECTIVES = {
    kind: [Adjective(english, french.rstrip("*"), french.endswith("*"))
           for english, french in (each.split() for each in words.split(","))]
    for kind, words in _ADJECTIVES.items()}  # fmt: skip
ACTIONS = [Action(word.replace("_", " "), french,
                  tuple(kind for kind in kinds.split() if kind != "state"), "state" in kinds)
           for (word, french), kinds in ((pair.split(), kinds) for pair, kinds in _ACTIONS.items())]
GIFTS = [Action(word, french, (), False)
         for word, french in (pair.split() for pair in _GIFTS.split(","))]  # fmt: skip
