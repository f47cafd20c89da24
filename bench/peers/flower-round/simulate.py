"""The same in Flower's simulation: python simulate.py CLIENTS ROUNDS."""

import sys

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp
from flwr.simulation import run_simulation
from noop.client_app import app as client_app
from noop.server_app import average

clients, rounds = int(sys.argv[1]), int(sys.argv[2])
server_app = ServerApp()


@server_app.main()
def main(grid: Grid, context: Context) -> None:
    average(grid, clients, rounds)


run_simulation(server_app=server_app, client_app=client_app, num_supernodes=clients)
