"""ONNX Runtime behind KServe's Python model server, over HTTP and gRPC, its logs off. MODEL PORT GRPC_PORT"""

import sys

path, port, grpc_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
# KServe reads the command line when it is imported.
sys.argv = sys.argv[:1]

import logging

import onnxruntime
from kserve import Model, ModelServer
from kserve.utils.utils import get_predict_response


class OnnxModel(Model):
    def __init__(self):
        super().__init__("model")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.given, self.wanted = self.session.get_inputs()[0].name, self.session.get_outputs()[0].name
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        result = self.session.run([self.wanted], {self.given: payload.inputs[0].as_numpy()})[0]
        return get_predict_response(payload, result, self.name)


if __name__ == "__main__":
    server = ModelServer(http_port=port, grpc_port=grpc_port, enable_latency_logging=False, workers=1)
    for name in ("uvicorn.access", "kserve", "kserve.trace"):
        logging.getLogger(name).setLevel(logging.ERROR)
    server.start([OnnxModel()])
