"""Flower's and numpy's side of `npm run bench -- aggregate`: reads one JSON command a line, answers with one JSON line.

{"do": "prepare", "layout": {"slots": [{"name", "shape"}]}, "file": PATH}: makes eight updates and writes what a client
sends to PATH. {"do": "numpy", "clients": N}: adds up in place, in float32. {"do": "fold" | "decode" | "receive",
"clients": N, "port": P}: Flower's own aggregate_arrayrecords, over records in memory; inflated from their objects' bytes;
received on a socket, and each object's SHA-256 compared, as its server does. Its fold reads each array out of the bytes
that a record holds, so some decoding is in all three.
"""

import io
import json
import socket
import sys
import time

import numpy as np
from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict
from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_id
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents

DISTINCT = 8
records, contents, flat = [], [], []


def prepare(layout, file):
    rng = np.random.default_rng(1)
    for client in range(DISTINCT):
        arrays = {t["name"]: (rng.random(t["shape"], dtype=np.float32) - 0.5) * np.float32(0.1) for t in layout["slots"]}
        flat.append(np.concatenate([a.ravel() for a in arrays.values()]))
        record = RecordDict({
            "arrays": ArrayRecord({k: Array(v) for k, v in arrays.items()}),
            "metrics": MetricRecord({"num-examples": 600 - client}),
        })
        records.append(record)
        contents.append((record.object_id, {i: o.deflate() for i, o in get_all_nested_objects(record).items()}))
    root, objects = contents[0]
    with open(file, "wb") as out:
        body = io.BytesIO()
        for name, content in objects.items():
            body.write(name.encode() + len(content).to_bytes(8, "little") + content)
        out.write(root.encode() + body.tell().to_bytes(8, "little") + body.getvalue())


def fold_numpy(clients):
    total = np.zeros_like(flat[0])
    weighted = np.empty_like(flat[0])
    for client in range(clients):
        np.multiply(flat[client % DISTINCT], np.float32(1 / clients), out=weighted)
        total += weighted
    return total


def inflate(root, objects):
    return inflate_object_from_contents(root, objects)


def exactly(connection, buffer):
    view = memoryview(buffer)
    while view:
        count = connection.recv_into(view)
        if count == 0:
            return False
        view = view[count:]
    return True


def receive(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = bytearray(72)
        while exactly(connection, head):
            body = bytearray(int.from_bytes(head[64:], "little"))
            exactly(connection, body)
            view, objects, at = memoryview(body), {}, 0
            while at < len(body):
                name = bytes(view[at : at + 64]).decode()
                length = int.from_bytes(view[at + 64 : at + 72], "little")
                content = bytes(view[at + 72 : at + 72 + length])
                assert get_object_id(content) == name
                objects[name] = content
                at += 72 + length
            yield inflate(bytes(head[:64]).decode(), objects)


def run(command):
    clients = command["clients"]
    if command["do"] == "numpy":
        fold_numpy(clients)
    elif command["do"] == "fold":
        aggregate_arrayrecords([records[c % DISTINCT] for c in range(clients)], "num-examples")
    elif command["do"] == "decode":
        every = (contents[c % DISTINCT] for c in range(clients))
        aggregate_arrayrecords([inflate(root, dict(objects)) for root, objects in every], "num-examples")
    else:
        aggregate_arrayrecords(list(receive(command["port"])), "num-examples")


for line in sys.stdin:
    command = json.loads(line)
    start, used = time.perf_counter(), time.process_time()
    if command["do"] == "prepare":
        prepare(command["layout"], command["file"])
    else:
        run(command)
    answer = {"seconds": time.perf_counter() - start, "processorSeconds": time.process_time() - used}
    print(json.dumps(answer), flush=True)
