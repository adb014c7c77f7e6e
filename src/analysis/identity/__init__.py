"""Which records of which systems are one customer.

Names, addresses, telephones and tax ids are brought into one form; pairs that share something
rare are compared; how much each agreement says is learnt from the records themselves (Splink);
pairs become customers. Different valid tax ids, parents and their subsidiaries, and what people
decided are never overruled.
"""

from .credit_code import CREDIT_CODE_SIGNS, CREDIT_CODE_WEIGHTS, bare_tax_id, valid_tax_id
from .resolving import RECORD_COLUMNS, Identified, decisions, identify, resolve
from .texts import normalised_email, normalised_name, normalised_phone

__all__ = [
    "CREDIT_CODE_SIGNS",
    "CREDIT_CODE_WEIGHTS",
    "RECORD_COLUMNS",
    "Identified",
    "bare_tax_id",
    "decisions",
    "identify",
    "normalised_email",
    "normalised_name",
    "normalised_phone",
    "resolve",
    "valid_tax_id",
]
