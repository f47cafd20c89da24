"""Federated averaging over all clients; prints when each round's model was there, in seconds."""

import time

import numpy as np
from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

PARAMETERS = 199_210

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    average(grid, int(context.run_config["clients"]), int(context.run_config["rounds"]))


def average(grid: Grid, clients: int, rounds: int) -> None:
    strategy = FedAvg(
        fraction_train=1.0,
        fraction_evaluate=0.0,
        min_train_nodes=clients,
        min_available_nodes=clients,
    )

    def note(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        print(f"model-there {server_round} {time.time():.6f}", flush=True)
        return MetricRecord({})

    strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord([np.zeros(PARAMETERS, dtype=np.float32)]),
        num_rounds=rounds,
        evaluate_fn=note,
    )
