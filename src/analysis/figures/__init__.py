"""Charts and tables of the report and the notebooks: one function a published figure."""

from .calibration import calibration_plot, churn_chart, lifetime_chart
from .chart import Chart
from .history import monthly_line, sparkline
from .intervals import IntervalRow, Line, interval_plot
from .metric_text import MetricText, metric_label, unit_of
from .migration import migration_map
from .power import Mark, power_chart
from .survival import retention_curves
from .tables import ReadingTable, reading_table

__all__ = [
    "Chart",
    "IntervalRow",
    "Line",
    "Mark",
    "MetricText",
    "ReadingTable",
    "calibration_plot",
    "churn_chart",
    "interval_plot",
    "lifetime_chart",
    "metric_label",
    "migration_map",
    "monthly_line",
    "power_chart",
    "reading_table",
    "retention_curves",
    "sparkline",
    "unit_of",
]
