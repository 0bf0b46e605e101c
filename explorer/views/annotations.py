"""What stands where in a text, as the views know it: see `explorer.text.annotations`."""

from explorer.text.annotations import CLASSES, Mask, classes, spans

__all__ = ["CLASSES", "Mask", "classes", "spans"]
