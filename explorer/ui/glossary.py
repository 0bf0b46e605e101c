"""What our words mean, one hover away."""

from __future__ import annotations

import html

from explorer.words import N_, _

TERMS: dict[str, str] = {
    "perplexity": N_(
        "Among how many equally likely tokens the network hesitates: 1 is certainty, the size of "
        "the vocabulary is a blind guess. It is e to the mean loss."),
    "held-out perplexity": N_(
        "Perplexity on the end of the text, which is kept back from training. When it rises while "
        "training perplexity falls, the network learns the text by heart."),
    "blind guess": N_("The perplexity of guessing blindly: the size of the vocabulary."),
    "masked loss": N_(
        "The mean of −ln p of each true token, in nats, the true ones before it told; what only "
        "fills a batch up is masked out."),
    "BLEU": N_(
        "How many runs of one to four tokens a translation shares with what is right, as sacrebleu "
        "counts it over all held-out sentences, each against every translation that the file "
        "gives: 0 is none, 100 is word for word."),
    "BLEU of the notes": N_(
        "The lecture notes' own formula, for each sentence and then on average: runs of one and "
        "two tokens; 0 to 1."),
    "gradient norm": N_(
        "The length of all weight changes together before they are clipped: how strongly this step "
        "pulls."),
    "tokens per second": N_("How many tokens of text are trained on each second."),
    "temperature": N_(
        "Below 1 the likeliest tokens become likelier still, above 1 chances even out; 0 always "
        "takes the likeliest."),
    "top-k": N_("Draw only among the k likeliest tokens; 0 = among all."),
    "top-p": N_("Draw only among the likeliest tokens that together reach this probability."),
    "prefix": N_("The network reads this first, which warms its state up, then goes on by itself."),
    "snapshot": N_("The weights as they were after so many steps."),
    "token": N_("One piece of text that the network reads in one step: a character, say."),
    "n-gram": N_(
        "n tokens in a row: one is a unigram, two are a bigram, three a trigram."),
    "gate": N_("Numbers between 0 and 1, one for each unit, that say how much may pass."),
    "hidden state": N_(
        "What the network shows at a step, a number for each unit; the next guess is made of it."),
    "layer": N_("A row of units with weights of its own: it reads what the layer below shows."),
    "direction": N_("From the beginning to the end, or from the end to the beginning."),
    "gradient": N_(
        "How much, and which way, a small change of some numbers would change the loss: one number "
        "for each of them."),
    "beam search": N_(
        "At each step, of all continuations of the beginnings that were kept, the k likeliest are "
        "kept; k is the width of the beam."),
    "unit": N_("One of the numbers that a layer remembers."),
    "backpropagation through time": N_(
        "The error of a guess is passed back from step to step, and at each step says how every "
        "weight should change."),
    "vocabulary": N_("All the different tokens that the network knows."),
}


def meaning(term: str) -> str:
    """What a term means, in the language spoken now."""
    return _(TERMS[term])


def term(name: str, shown: str | None = None) -> str:
    """A term with its meaning on hover, as HTML for the sentence of `ui.page`.

    shown: the word as the sentence has it, if it is not the term itself.
    """
    said = html.escape(meaning(name), quote=True)
    return f'<abbr title="{said}">{html.escape(shown or _(name))}</abbr>'
