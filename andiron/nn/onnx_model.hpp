#pragma once

#include <map>
#include <string>
#include <vector>

#include "andiron/io/onnx/proto.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {

struct OnnxModelOptions {
  std::string folder = {};                    ///< of external data
  std::map<std::string, int64_t> sizes = {};  ///< of symbols other than the batch
  std::vector<std::string> outputs = {};      ///< values by name; empty: the model's outputs
  std::string name = {};
};

/// An ONNX model as a network: a layer for each of its nodes, named by it ('/' becomes '.'), the
/// floating point initializers as trainable variables. Axis 0 of every input is the batch, whatever
/// the file says. Throws Unsupported (io/onnx/errors.hpp) or Error naming the node.
ModelPtr model_from_onnx(const io::onnx::ModelProto& proto, const OnnxModelOptions& options = {});

/// The bytes of an ONNX file that predicts what the model does. Throws Unsupported naming the layer
/// that has no form in ONNX.
std::string onnx_bytes(FunctionalModel& model, int64_t opset = 17);

}  // namespace andiron::nn
