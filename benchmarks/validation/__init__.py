"""The simulation grid that holds the estimators to their promises; see docs/validation.md."""
