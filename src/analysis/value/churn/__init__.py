"""The risk of losing a customer, with its backtest and its reasons."""

from .risk import REASON_WORDS, ChurnRisk, churn_in_words, churn_risk

__all__ = ["REASON_WORDS", "ChurnRisk", "churn_in_words", "churn_risk"]
