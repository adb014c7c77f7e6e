"""A warm process that loads nothing, for tests of how it is asked."""

from analysis.pipeline import warm

warm.FIRST, warm.LATER = (), ()

if __name__ == "__main__":
    warm.main()
