"""The package of the course *Reading Handwritten Digits*.

It holds what a chapter derives and later chapters use again (`layers`, `training`, `explanation`),
what the libraries lack (`evaluation`), and what the course uses without deriving it: the data, the
networks, the handwriting, the figures, the live page's file and the checks of the exercises.
"""
