#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "andiron/tensor/tensor.hpp"

/// ONNX's messages (onnx.proto) as plain structs: what stands in a file, before it means anything.
/// Names follow the standard's. Attributes and types that nothing reads are left out.
namespace andiron::io::onnx {

/// TensorProto. Its numbers stay where the file's bytes are until `tensor_of` makes a Tensor.
struct TensorProto {
  std::string name;
  int32_t data_type = 0;
  std::vector<int64_t> dims;
  std::optional<std::string_view> raw_data;  ///< points into ModelProto::bytes
  std::vector<float> float_data;
  std::vector<double> double_data;
  std::vector<int64_t> int_data;  ///< int32_data, int64_data and uint64_data
  bool has_strings = false;
  bool external = false;
  std::vector<std::pair<std::string, std::string>> external_data;
};

struct GraphProto;

struct AttributeProto {
  std::string name;
  std::string ref_attr_name;  ///< of a function: the attribute of the call that it stands for
  int32_t type = 0;
  float f = 0;
  int64_t i = 0;
  std::string s;
  std::shared_ptr<TensorProto> t;
  std::shared_ptr<GraphProto> g;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
};

struct NodeProto {
  std::string name, op_type, domain, overload;
  std::vector<std::string> inputs, outputs;
  std::vector<AttributeProto> attributes;
};

/// ValueInfoProto with a tensor's type; `kind` says what else it is ("sequence", "map", ...).
struct ValueInfo {
  struct Dimension {
    int64_t value = -1;  ///< -1: unknown, or a symbol
    std::string symbol;
  };
  std::string name;
  std::string kind = "tensor";
  int32_t elem_type = 0;
  bool has_shape = false;
  std::vector<Dimension> shape;
};

struct GraphProto {
  std::string name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  size_t n_sparse_initializers = 0;
  std::vector<ValueInfo> inputs, outputs;
};

struct FunctionProto {
  std::string name, domain, overload;
  std::vector<std::string> inputs, outputs, attributes;
  std::vector<AttributeProto> attribute_defaults;
  std::vector<NodeProto> nodes;
  std::map<std::string, int64_t> opsets;
};

struct ModelProto {
  int64_t ir_version = 0;
  std::string producer_name, producer_version, domain, doc_string;
  std::map<std::string, int64_t> opsets;  ///< by domain; "" is ONNX's own
  GraphProto graph;
  std::vector<FunctionProto> functions;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::shared_ptr<Buffer> bytes;  ///< what raw_data points into
};

/// Parses a model. Throws Error naming the message that is damaged; recursion and the memory taken
/// are bounded whatever the bytes are.
ModelProto parse_model(std::shared_ptr<Buffer> bytes);
/// Parses a TensorProto alone (ONNX's test data), `bytes` must outlive it.
TensorProto parse_tensor(std::string_view bytes);

/// The numbers of a TensorProto, copied. External data are read below `folder`. Throws Unsupported
/// for dtypes that Andiron lacks, Error when sizes and data disagree.
Tensor tensor_of(const TensorProto& proto, const std::string& folder);

/// TensorProto.DataType's name ("FLOAT16"), or the number.
std::string data_type_name(int32_t data_type);
/// Nothing when Andiron has no such dtype.
std::optional<DType> dtype_of_onnx(int32_t data_type);
int32_t onnx_of_dtype(DType dtype);

/// The bytes of a ModelProto. Initializers with raw_data are written as such.
std::string serialize(const ModelProto& model);

}  // namespace andiron::io::onnx
