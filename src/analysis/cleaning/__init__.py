"""Sources become canonical tables: `customer_records` for identity, then `clean`, then `verify`."""

from .checking import select_faults
from .cleaned import Cleaned, clean
from .corrections import Corrected, correct
from .drift import drift_of
from .forgetting import forget, rows_of_customers
from .quality import monitored
from .records import customer_records
from .selects import queries_of
from .spreadsheet import for_spreadsheet
from .verification import verify

__all__ = [
    "Cleaned",
    "Corrected",
    "clean",
    "correct",
    "customer_records",
    "drift_of",
    "for_spreadsheet",
    "forget",
    "monitored",
    "queries_of",
    "rows_of_customers",
    "select_faults",
    "verify",
]
