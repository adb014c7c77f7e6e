"""A/B evaluation: outcomes, estimates, gates and the verdict of an experiment."""
