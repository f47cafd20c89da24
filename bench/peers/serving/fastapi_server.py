"""ONNX Runtime behind FastAPI and uvicorn, as one would write it for speed: the protocol's JSON read and written by
pydantic, and beside it a route that takes and gives bare little-endian floats. MODEL PORT"""

import sys

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

path, port = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
feed, wanted = session.get_inputs()[0], session.get_outputs()[0]
row = feed.shape[1:]
app = FastAPI()


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferenceRequest(BaseModel):
    inputs: list[Tensor]


class InferenceResponse(BaseModel):
    model_name: str
    model_version: str
    outputs: list[Tensor]


def run(array):
    return session.run([wanted.name], {feed.name: array})[0]


@app.get("/v2/health/ready")
async def ready():
    return {"ready": True}


@app.post("/v2/models/model/infer")
async def infer(request: InferenceRequest) -> InferenceResponse:
    given = request.inputs[0]
    result = run(numpy.array(given.data, dtype=numpy.float32).reshape(given.shape))
    output = Tensor(name=wanted.name, shape=list(result.shape), datatype="FP32", data=result.ravel().tolist())
    return InferenceResponse(model_name="model", model_version="1", outputs=[output])


@app.post("/raw")
async def raw(request: Request):
    array = numpy.frombuffer(await request.body(), dtype=numpy.float32)
    result = run(array.reshape([-1, *row]))
    return Response(result.tobytes(), media_type="application/octet-stream")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")
