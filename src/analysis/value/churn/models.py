"""The two models of churn: one that can be read, one that is sharp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .states import FEATURES

TREES = 60
LEAVES = 12
SMALLEST_LEAF = 40
LEARNING_RATE = 0.1
RIDGE = 1e-3
"""Added to the curvature of the logit, in standard deviations: keeps it finite when a feature alone
tells who is lost."""
STEPS = 100
RISK_DECIMALS = 6
Z = 1.959963984540054


@dataclass(frozen=True)
class Logit:
    """The readable model; every array has shape (features,).

    Attributes:
        means, spreads: By which the features are standardised.
        coefficients, std_errors: Of standardised features; errors are robust to customers that
            recur.
        intercept: On the same scale.
    """

    means: np.ndarray
    spreads: np.ndarray
    coefficients: np.ndarray
    std_errors: np.ndarray
    intercept: float

    def contributions(self, cases: pd.DataFrame) -> np.ndarray:
        """(n, features) what each feature adds to the log odds, against the mean customer."""
        values = cases[list(FEATURES)].to_numpy(float)
        return (values - self.means) / self.spreads * self.coefficients

    def risk(self, cases: pd.DataFrame) -> np.ndarray:
        """(n,) risk of being lost."""
        odds = self.intercept + self.contributions(cases).sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-odds))).round(RISK_DECIMALS)

    @property
    def table(self) -> pd.DataFrame:
        """One row a feature: feature, odds_ratio (per standard deviation), low, high (95 %)."""
        low, high = (self.coefficients + sign * Z * self.std_errors for sign in (-1, 1))
        return pd.DataFrame(
            {
                "feature": FEATURES,
                "odds_ratio": np.exp(self.coefficients),
                "low": np.exp(low),
                "high": np.exp(high),
                "standard_deviation": self.spreads,
            }
        )


def fit_logit(cases: pd.DataFrame) -> Logit:
    """Fit the logistic regression (statsmodels), a whisper of ridge in it.

    Args:
        cases: Rows of `states` whose outcome is known.
    """
    import statsmodels.api as sm

    values = cases[list(FEATURES)].to_numpy(float)
    means, spreads = values.mean(axis=0), values.std(axis=0)
    spreads = np.where(spreads > 0, spreads, 1.0)
    design = sm.add_constant((values - means) / spreads, has_constant="add")
    lost = cases["is_lost"].to_numpy(bool).astype(float)
    model = sm.Logit(lost, design)
    place = np.zeros(design.shape[1])
    penalty = RIDGE * len(lost) * np.r_[0.0, np.ones(len(FEATURES))]
    for _ in range(STEPS):  # Newton with the model's own score and curvature
        curve = -model.hessian(place) + np.diag(penalty)
        step = np.linalg.solve(curve, model.score(place) - penalty * place)
        place = place + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return Logit(
        means, spreads, place[1:], _errors(model, place, penalty, cases)[1:], float(place[0])
    )


def _errors(
    model: object, place: np.ndarray, penalty: np.ndarray, cases: pd.DataFrame
) -> np.ndarray:
    """(features + 1,) sandwich errors, cases of one customer taken together."""
    scores = model.score_obs(place)  # type: ignore[attr-defined]
    _, customer = np.unique(cases["customer_id"].to_numpy(str), return_inverse=True)
    summed = np.zeros((customer.max() + 1, scores.shape[1]))
    np.add.at(summed, customer, scores)
    bread = np.linalg.inv(-model.hessian(place) + np.diag(penalty))  # type: ignore[attr-defined]
    return np.sqrt(np.diag(bread @ (summed.T @ summed) @ bread))


def boosted_risk(training: pd.DataFrame, cases: pd.DataFrame) -> np.ndarray:
    """(n,) risk of being lost by gradient boosting (scikit-learn), fitted to the training cases."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=LEARNING_RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=SMALLEST_LEAF,
        early_stopping=False,
        random_state=0,
    )
    names = list(FEATURES)
    # some thousand rows: threads would wait for each other longer than they work
    with threadpool_limits(limits=1, user_api="openmp"):
        model.fit(training[names].to_numpy(float), training["is_lost"].to_numpy(bool))
        risk = model.predict_proba(cases[names].to_numpy(float))[:, 1]
    return np.asarray(risk).round(RISK_DECIMALS)
