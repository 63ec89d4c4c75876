"""People on white backdrops: our classical segmentation against the usual ways, by time and by known truth.

    python -m benchmarks.look_masks [--looks 3] [--rounds 3] [--write]

Looks of 1360 × 768 pixels (about 1024²) in five difficulties (plain, white clothes, light hair, deep shadows, grain)
whose truth is known. Contenders take turns on every picture, one thread each; times are processor time, the least of
the rounds. *Threshold* is the way of most scripts (not white, largest pieces, holes filled, with scipy), *flood fill*
is OpenCV's from the four corners, *GrabCut* is OpenCV's at half size with two iterations, begun from the flood fill.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from creative_lab.looks.segmentation.checks import check_people
from creative_lab.looks.segmentation.people import find_people, people_of_mask
from creative_lab.looks.segmentation.quality import iou
from creative_lab_tests.looks.planted import CASES, FAILURES, planted_look

WIDTH, HEIGHT = 1360, 768


def threshold(pixels: np.ndarray) -> np.ndarray:
    """Everything that is darker than nearly white, small pieces dropped, holes filled."""
    from scipy import ndimage

    mask = ndimage.binary_opening(pixels.min(2) < 225)
    labels, count = ndimage.label(mask)
    sizes = ndimage.sum_labels(mask, labels, range(1, count + 1))
    keep = np.flatnonzero(sizes > 0.002 * mask.size) + 1
    return ndimage.binary_fill_holes(np.isin(labels, keep))


def flood_fill(pixels: np.ndarray) -> np.ndarray:
    """What a flood from the four corners does not reach."""
    import cv2

    height, width = pixels.shape[:2]
    mask = np.zeros((height + 2, width + 2), np.uint8)
    image = pixels.copy()
    for seed in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        cv2.floodFill(image, mask, seed, 0, (6,) * 3, (6,) * 3, cv2.FLOODFILL_MASK_ONLY | (255 << 8) | 4)
    return mask[1:-1, 1:-1] == 0


def grab_cut(pixels: np.ndarray) -> np.ndarray:
    """GrabCut (Rother et al. 2004) at half size, begun from the flood fill."""
    import cv2

    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    start = flood_fill(np.asarray(small)).astype(np.uint8)
    mask = np.where(start > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    wide = cv2.dilate(start, np.ones((9, 9), np.uint8))
    mask[(wide > 0) & (start == 0)] = cv2.GC_PR_BGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.asarray(small), mask, (0, 0, 1, 1), *models, 2, cv2.GC_INIT_WITH_MASK)
    found = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.resize(found, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)) > 0


CONTENDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ours": lambda pixels: find_people(pixels).mask,
    "threshold": threshold,
    "flood fill": flood_fill,
    "GrabCut": grab_cut,
}


def main() -> None:
    """Measure, print, and write into RESULTS.md if asked."""
    import cv2

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)

    scale = 1024 * 1024 / (WIDTH * HEIGHT)
    times: dict[str, list[float]] = {name: [] for name in (*CONTENDERS, "checks")}
    overlaps: dict[str, dict[str, list[float]]] = {name: {case: [] for case in CASES} for name in CONTENDERS}
    planted = caught = doubted = right = 0
    for case in CASES:
        for seed in range(700, 700 + arguments.looks):
            drawn = planted_look(case, seed, width=WIDTH, height=HEIGHT)
            least = dict.fromkeys((*CONTENDERS, "checks"), float("inf"))
            for _ in range(arguments.rounds):
                for name, work in CONTENDERS.items():
                    started = time.process_time()
                    work(drawn.pixels)
                    least[name] = min(least[name], time.process_time() - started)
                people = find_people(drawn.pixels)
                started = time.process_time()
                judged = check_people(drawn.pixels, people)
                least["checks"] = min(least["checks"], time.process_time() - started)
            for name, work in CONTENDERS.items():
                overlap = iou(work(drawn.pixels), drawn.truth.people) or 0.0
                overlaps[name][case].append(overlap)
            for name, value in least.items():
                times[name].append(value * 1000 * scale)
            good = overlaps["ours"][case][-1] >= 0.985
            right += good
            doubted += good and judged.doubtful
            for spoil in FAILURES.values():
                wrong = spoil(drawn, drawn.truth.people.copy(), np.random.default_rng(seed))
                if (iou(wrong, drawn.truth.people) or 0.0) < 0.985:
                    planted += 1
                    caught += check_people(drawn.pixels, people_of_mask(wrong, people.backdrop)).doubtful
    ours = statistics.median(times["ours"])
    lines = [
        f"`python -m benchmarks.look_masks`: {arguments.looks * len(CASES)} looks of {WIDTH} × {HEIGHT}, one thread, "
        f"processor time per 1024² pixels (median over pictures of the least of {arguments.rounds} rounds).",
        "",
        f"| contender | ms | against ours | {' | '.join(f'IoU {case}' for case in CASES)} | least IoU |",
        f"|---|---:|---:|{'---:|' * (len(CASES) + 1)}",
    ]
    for name in CONTENDERS:
        spent = statistics.median(times[name])
        means = [f"{statistics.mean(overlaps[name][case]):.4f}" for case in CASES]
        worst = min(min(values) for values in overlaps[name].values())
        lines.append(f"| {name} | {spent:.1f} | {spent / ours:.1f}× | {' | '.join(means)} | {worst:.4f} |")
    lines += [
        "",
        f"Self-checks take {statistics.median(times['checks']):.1f} ms more. They caught {caught} of {planted} planted "
        f"failures ({caught / max(1, planted):.1%}) and doubted {doubted} of {right} right masks; looks whose models "
        "stride out of the frame or touch are among those.",
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        from benchmarks.results import write_section

        write_section("People on white backdrops", text)


if __name__ == "__main__":
    main()
