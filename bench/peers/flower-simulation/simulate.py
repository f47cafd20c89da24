"""Flower's simulation of the MNIST 2NN cell with PyTorch: prints one line of JSON.

python simulate.py DATA_FOLDER ROUNDS
"""

import json
import sys
import time

import flwr
import numpy
import ray
import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

DATA, ROUNDS = sys.argv[1], int(sys.argv[2])
CLIENTS, COHORT, BATCH, RATE = 100, 10, 10, 0.1


def network():
    return torch.nn.Sequential(
        torch.nn.Linear(784, 200),
        torch.nn.ReLU(),
        torch.nn.Linear(200, 200),
        torch.nn.ReLU(),
        torch.nn.Linear(200, 10),
    )


def examples(client):
    """The client's own 600, read once in each process."""
    if client not in examples.known:
        rows = numpy.random.default_rng(1).permutation(60_000)[client * 600 : (client + 1) * 600]
        images = numpy.fromfile(f"{DATA}/train-images-idx3-ubyte", numpy.uint8, offset=16).reshape(-1, 784)
        labels = numpy.fromfile(f"{DATA}/train-labels-idx1-ubyte", numpy.uint8, offset=8)
        inputs = torch.from_numpy(images[rows].astype(numpy.float32) / 255)
        examples.known[client] = (inputs, torch.from_numpy(labels[rows].astype(numpy.int64)))
    return examples.known[client]


examples.known = {}
client_app = ClientApp()


@client_app.train()
def train(message: Message, context: Context):
    torch.set_num_threads(1)
    model = network()
    model.load_state_dict(message.content["arrays"].to_torch_state_dict())
    inputs, labels = examples(context.node_config["partition-id"])
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for batch in torch.randperm(len(labels)).split(BATCH):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
        optimizer.step()
    metrics = MetricRecord({"num-examples": len(labels)})
    return Message(
        content=RecordDict({"arrays": ArrayRecord(model.state_dict()), "metrics": metrics}),
        reply_to=message,
    )


class Timed(FedAvg):
    """When each round's updates were in the model."""

    times: list[float] = []

    def aggregate_train(self, server_round, replies):
        result = super().aggregate_train(server_round, replies)
        self.times.append(time.perf_counter())
        return result


server_app = ServerApp()


@server_app.main()
def main(grid: Grid, context: Context):
    strategy = Timed(fraction_train=COHORT / CLIENTS, fraction_evaluate=0, min_available_nodes=CLIENTS)
    strategy.start(grid=grid, initial_arrays=ArrayRecord(network().state_dict()), num_rounds=ROUNDS)


if __name__ == "__main__":
    run_simulation(
        server_app=server_app,
        client_app=client_app,
        num_supernodes=CLIENTS,
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )
    gaps = numpy.diff(Timed.times)
    versions = {"flower": flwr.__version__, "torch": torch.__version__, "ray": ray.__version__}
    print(json.dumps({"secondsEachRound": gaps.tolist(), **versions}))
