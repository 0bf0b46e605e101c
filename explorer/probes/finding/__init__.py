"""Searching for a sentence, one word after the other: what can be searched (`stepper`, `table`),
how (`methods`), and what is kept of it (`tree`).
"""
