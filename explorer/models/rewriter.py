"""(to come)"""
from typing import Any

from torch import nn


class Rewriter(nn.Module):
    def __init__(self, *a: Any) -> None: ...
