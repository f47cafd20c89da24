"""Asks a server what tritonclient can ask, and prints what it heard as one line of JSON.

python peer.py HTTP_ADDRESS GRPC_ADDRESS ADMIN_TOKEN
"""

import json
import sys

import numpy
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

MODELS = {
    "bool": [True, False],
    "int8": [-128, 127],
    "int16": [-32768, 32767],
    "int32": [-(2**31), 2**31 - 1],
    "int64": [-(2**63), 2**63 - 1],
    "uint8": [0, 255],
    "uint16": [0, 65535],
    "uint32": [0, 2**32 - 1],
    "uint64": [0, 2**64 - 1],
    "float16": [0.5, -65504.0],
    "float32": [0.1, -3.0e38],
    "float64": [5e-324, 1.7e308],
    "string": ["zwölf", ""],
}


def array(name):
    if name == "string":
        return numpy.array([[text.encode() for text in MODELS[name]]], dtype=object)
    return numpy.array([MODELS[name]], dtype=name)


def echo(package, client, name, **options):
    sent = array(name)
    given = package.InferInput("input", list(sent.shape), np_to_triton_dtype(sent.dtype))
    given.set_data_from_numpy(sent, **options)
    wanted = package.InferRequestedOutput("logits", **options)
    result = client.infer(name, [given], outputs=[wanted], request_id="42", timeout=60_000_000)
    got = result.as_numpy("logits")
    if name == "string" and not options.get("binary_data", True):
        # From JSON the client makes text, from bytes it makes bytes.
        sent = numpy.array([MODELS[name]], dtype=object)
    return bool(got.dtype == sent.dtype and got.shape == sent.shape and (got == sent).all())


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return None


def ask(package, client, headers):
    heard = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready("float32"),
        "otherReady": client.is_model_ready("letters"),
        "echo": {name: echo(package, client, name) for name in MODELS},
        "unknown": refusal(lambda: client.get_model_metadata("letters")),
        "loadRefused": refusal(lambda: client.load_model("float32")),
    }
    policy = json.dumps({"version_policy": {"all": {}}})
    client.load_model("float32", headers=headers, config=policy)
    heard["old"] = client.is_model_ready("float32", "1")
    client.unload_model("float64", headers=headers)
    heard["unloaded"] = client.is_model_ready("float64")
    client.load_model("float64", headers=headers)
    client.load_model("float32", headers=headers)
    return heard


def main():
    http_address, grpc_address, token = sys.argv[1:]
    headers = {"authorization": f"Bearer {token}"}

    over_http = http.InferenceServerClient(http_address)
    by_http = ask(http, over_http, headers)
    by_http["json"] = {
        name: echo(http, over_http, name, binary_data=False) for name in ("int32", "bool", "string", "float64")
    }
    by_http["metadata"] = over_http.get_model_metadata("float32")
    by_http["config"] = over_http.get_model_config("float32")["max_batch_size"]
    by_http["successes"] = over_http.get_inference_statistics("int8")["model_stats"][0]["inference_stats"]["success"]["count"]
    by_http["index"] = sorted(entry["name"] for entry in over_http.get_model_repository_index() if entry["state"] == "READY")
    by_http["extensions"] = over_http.get_server_metadata()["extensions"]

    over_grpc = grpc.InferenceServerClient(grpc_address)
    by_grpc = ask(grpc, over_grpc, headers)
    by_grpc["metadata"] = over_grpc.get_model_metadata("float32", as_json=True)
    by_grpc["config"] = over_grpc.get_model_config("float32").config.max_batch_size
    by_grpc["successes"] = over_grpc.get_inference_statistics("int8").model_stats[0].inference_stats.success.count
    by_grpc["index"] = sorted(entry.name for entry in over_grpc.get_model_repository_index().models if entry.state == "READY")
    by_grpc["extensions"] = list(over_grpc.get_server_metadata().extensions)

    print(json.dumps({"http": by_http, "grpc": by_grpc}))


main()
