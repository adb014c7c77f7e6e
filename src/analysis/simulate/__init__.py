"""A seeded parcel and freight company with known truth, exported the way real systems export.

`company` writes it; docs/demo-data.md describes every file. The package imports no other module
of this project, so that nothing it writes can flatter the code that reads it.
"""

from analysis.simulate.company import CompanySummary, company

__all__ = ["CompanySummary", "company"]
