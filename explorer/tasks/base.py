"""What every task says of itself."""

from explorer.spec import Kind


class Task(Kind):
    """Something that is learnt."""
