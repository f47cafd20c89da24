"""Whether Flower's robust rules give what stands in reference.json: what differs, and by how much."""

import json
import sys

import numpy as np
from flwr.server.strategy.aggregate import (
    aggregate_bulyan,
    aggregate_krum,
    aggregate_median,
    aggregate_trimmed_avg,
)


def rules(name, options):
    f = options.get("byzantine", 0)
    return {
        "median": aggregate_median,
        "trimmed-mean": lambda updates: aggregate_trimmed_avg(updates, options["trim"] + 1e-12),
        "krum": lambda updates: aggregate_krum(updates, f, 0),
        "multi-krum": lambda updates: aggregate_krum(updates, f, options.get("selected", len(updates) - f)),
        "bulyan": lambda updates: aggregate_bulyan(updates, f, aggregate_krum, to_keep=0),
    }.get(name)


for case in json.load(open(sys.argv[1])):
    for rule in case["rules"]:
        combine = rules(rule["name"], rule["options"])
        if combine is None:
            continue
        # Multi-Krum weights devices by their examples there, and equally in the paper.
        updates = [([np.array(update)], 1) for update in case["updates"]]
        difference = np.abs(combine(updates)[0] - np.array(rule["result"])).max()
        print(f"{rule['name']} {rule['options']} of {len(case['updates'])}: {difference:.1e}")
