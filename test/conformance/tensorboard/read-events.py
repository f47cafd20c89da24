"""Reads an event file as TensorBoard does, and prints its scalars as one line of JSON.

python read-events.py FOLDER
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1]).Reload()
print(
    json.dumps(
        {
            tag: [[scalar.step, scalar.value, scalar.wall_time] for scalar in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]
        }
    )
)
