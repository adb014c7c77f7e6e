"""Run cells in parallel, keep what is done, go on where a run was ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from analysis.files import write_atomically

from .cell import Cell, code_digest, seeds_of

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src" / "analysis"
Chunk = dict[str, Any]


@dataclass
class Stored:
    """What is known of a cell: chunks by number, for one state of the code."""

    cell: str
    code: str
    chunks: dict[str, Chunk] = field(default_factory=dict)

    @property
    def replications(self) -> int:
        """Replications done."""
        return sum(chunk["n"] for chunk in self.chunks.values())

    @property
    def seconds(self) -> float:
        """Processor time spent."""
        return sum(chunk["seconds"] for chunk in self.chunks.values())

    def rate(self, claim: str) -> tuple[int, int]:
        """Hits and replications of a claim; a chunk may know fewer of one claim."""
        counted = [c for c in self.chunks.values() if claim in c["hits"]]
        hits = sum(c["hits"][claim] for c in counted)
        return hits, sum(c["of"].get(claim, c["n"]) for c in counted)


def chunks_of(cell: Cell) -> list[int]:
    """Numbers of a cell's chunks."""
    return list(range(-(-cell.replications // cell.chunk)))


def path_of(folder: Path, cell: Cell) -> Path:
    """Where a cell is kept."""
    return folder / f"{cell.name}.json"


def stored(folder: Path, cell: Cell) -> Stored | None:
    """What is kept of a cell, whatever the code was; None where there is nothing."""
    path = path_of(folder, cell)
    return Stored(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def current(folder: Path, cell: Cell) -> Stored:
    """What is kept and still holds: empty where the code has changed since."""
    code = code_digest(cell, SOURCE, HERE)
    kept = stored(folder, cell)
    return kept if kept and kept.code == code else Stored(cell.name, code)


def run_chunk(name: str, number: int) -> Chunk:
    """One chunk of a cell; runs in a process of its own."""
    from .grid import CELLS

    return simulated(CELLS[name], number)


def simulated(cell: Cell, number: int) -> Chunk:
    """One chunk: replications, hits by claim, and processor seconds."""
    n = min(cell.chunk, cell.replications - number * cell.chunk)
    began = time.process_time()
    hits = cell.simulate(seeds_of(cell, number), n)
    return {
        "n": n,
        "hits": {claim: int(values.sum()) for claim, values in hits.items()},
        "of": {claim: len(v) for claim, v in hits.items() if len(v) != n},
        "seconds": round(time.process_time() - began, 2),
    }


def run(
    cells: Iterable[Cell],
    folder: Path,
    processes: int,
    say: Callable[[str], None],
    minutes: float = float("inf"),
) -> None:
    """Run what is missing of the cells, in their order.

    Args:
        cells: The cells wanted.
        folder: Where results are kept, one file a cell.
        processes: At the same time; 1 runs in this one.
        say: Told of each finished cell.
        minutes: After these no further chunk begins.
    """
    cells = list(cells)
    folder.mkdir(parents=True, exist_ok=True)
    state = {cell.name: current(folder, cell) for cell in cells}
    wanted = {cell.name: cell for cell in cells}
    jobs = [
        (cell.name, number)
        for cell in cells
        for number in chunks_of(cell)
        if str(number) not in state[cell.name].chunks
    ]
    say(f"{len(jobs)} chunks of {len({name for name, _ in jobs})} cells to run")
    began = time.monotonic()
    finished = _done(jobs, wanted, processes, began + 60 * minutes)
    for count, (name, number, chunk) in enumerate(finished, 1):
        entry = state[name]
        entry.chunks[str(number)] = chunk
        _keep(path_of(folder, wanted[name]), entry)
        if len(entry.chunks) == len(chunks_of(wanted[name])):
            left = len(jobs) - count
            spent = time.monotonic() - began
            say(f"{name}: {entry.seconds:.0f} s; {left} chunks left after {spent:.0f} s")


def _done(
    jobs: list[tuple[str, int]], cells: Mapping[str, Cell], processes: int, until: float
) -> Iterator[tuple[str, int, Chunk]]:
    """Finished chunks; at most a few more begin than there are processes."""
    if processes == 1:
        for name, number in jobs:
            if time.monotonic() < until:
                yield name, number, simulated(cells[name], number)
        return
    waiting = iter(jobs)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(run_chunk, *job): job for job in islice(waiting, 2 * processes)}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield (*running.pop(future), future.result())
                job = next(waiting, None) if time.monotonic() < until else None
                if job:
                    running[pool.submit(run_chunk, *job)] = job


def _keep(path: Path, entry: Stored) -> None:
    content = {"cell": entry.cell, "code": entry.code, "chunks": entry.chunks}
    write_atomically(path, json.dumps(content, indent=None) + "\n")
