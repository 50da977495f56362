#include <protozero/pbf_message.hpp>

#include "andiron/base/error.hpp"
#include "andiron/io/onnx/proto.hpp"

// protozero checks every length and varint. Fields are told apart by number and wire type, so that
// a field of a wrong type is skipped like an unknown one, as protobuf does.
namespace andiron::io::onnx {

namespace {

using Reader = protozero::pbf_reader;
using Wire = protozero::pbf_wire_type;

constexpr int kMaxDepth = 32;
constexpr int64_t kMaxMessages = 2'000'000;  // nodes, attributes, tensors, ... of one model

constexpr uint32_t field(uint32_t tag, Wire type) { return protozero::tag_and_type(tag, type); }
constexpr uint32_t text(uint32_t tag) { return field(tag, Wire::length_delimited); }
constexpr uint32_t number(uint32_t tag) { return field(tag, Wire::varint); }

struct Limits {
  int64_t messages = 0;
  void count() {
    if (++messages > kMaxMessages)
      fail("[onnx] the file has more than {} nodes, attributes and tensors", kMaxMessages);
  }
};

void deeper(int depth) {
  if (depth > kMaxDepth) fail("[onnx] graphs within graphs are deeper than {}", kMaxDepth);
}

std::string string_of(Reader& r) { return r.get_string(); }

std::pair<std::string, std::string> read_entry(Reader r) {
  std::pair<std::string, std::string> out;
  while (r.next()) switch (r.tag_and_type()) {
      case text(1):
        out.first = string_of(r);
        break;
      case text(2):
        out.second = string_of(r);
        break;
      default:
        r.skip();
    }
  return out;
}

template <class T, class Range>
void append(std::vector<T>& out, const Range& range) {
  for (auto v : range) out.push_back(static_cast<T>(v));
}

TensorProto read_tensor(Reader r, Limits& limits) {
  limits.count();
  TensorProto t;
  while (r.next()) switch (r.tag_and_type()) {
      case number(1):
        t.dims.push_back(r.get_int64());
        break;
      case text(1):
        append(t.dims, r.get_packed_int64());
        break;
      case number(2):
        t.data_type = r.get_int32();
        break;
      case text(4):
        append(t.float_data, r.get_packed_float());
        break;
      case field(4, Wire::fixed32):
        t.float_data.push_back(r.get_float());
        break;
      case text(5):
        append(t.int_data, r.get_packed_int32());
        break;
      case number(5):
        t.int_data.push_back(r.get_int32());
        break;
      case text(6):
        t.has_strings = true;
        r.skip();
        break;
      case text(7):
        append(t.int_data, r.get_packed_int64());
        break;
      case number(7):
        t.int_data.push_back(r.get_int64());
        break;
      case text(8):
        t.name = string_of(r);
        break;
      case text(9): {
        const auto view = r.get_view();
        t.raw_data = std::string_view(view.data(), view.size());
        break;
      }
      case text(10):
        append(t.double_data, r.get_packed_double());
        break;
      case field(10, Wire::fixed64):
        t.double_data.push_back(r.get_double());
        break;
      case text(11):
        append(t.int_data, r.get_packed_uint64());
        break;
      case number(11):
        t.int_data.push_back(static_cast<int64_t>(r.get_uint64()));
        break;
      case text(13):
        limits.count();
        t.external_data.push_back(read_entry(r.get_message()));
        break;
      case number(14):
        t.external = r.get_int32() == 1;
        break;
      default:
        r.skip();
    }
  return t;
}

GraphProto read_graph(Reader r, Limits& limits, int depth);

AttributeProto read_attribute(Reader r, Limits& limits, int depth) {
  limits.count();
  AttributeProto a;
  while (r.next()) switch (r.tag_and_type()) {
      case text(1):
        a.name = string_of(r);
        break;
      case field(2, Wire::fixed32):
        a.f = r.get_float();
        break;
      case number(3):
        a.i = r.get_int64();
        break;
      case text(4):
        a.s = string_of(r);
        break;
      case text(5):
        a.t = std::make_shared<TensorProto>(read_tensor(r.get_message(), limits));
        break;
      case text(6):
        a.g = std::make_shared<GraphProto>(read_graph(r.get_message(), limits, depth + 1));
        break;
      case text(7):
        append(a.floats, r.get_packed_float());
        break;
      case field(7, Wire::fixed32):
        a.floats.push_back(r.get_float());
        break;
      case text(8):
        append(a.ints, r.get_packed_int64());
        break;
      case number(8):
        a.ints.push_back(r.get_int64());
        break;
      case text(9):
        limits.count();
        a.strings.push_back(string_of(r));
        break;
      case number(20):
        a.type = r.get_int32();
        break;
      case text(21):
        a.ref_attr_name = string_of(r);
        break;
      default:
        r.skip();
    }
  return a;
}

NodeProto read_node(Reader r, Limits& limits, int depth) {
  limits.count();
  NodeProto n;
  while (r.next()) switch (r.tag_and_type()) {
      case text(1):
        limits.count();
        n.inputs.push_back(string_of(r));
        break;
      case text(2):
        limits.count();
        n.outputs.push_back(string_of(r));
        break;
      case text(3):
        n.name = string_of(r);
        break;
      case text(4):
        n.op_type = string_of(r);
        break;
      case text(5):
        n.attributes.push_back(read_attribute(r.get_message(), limits, depth));
        break;
      case text(7):
        n.domain = string_of(r);
        break;
      case text(8):
        n.overload = string_of(r);
        break;
      default:
        r.skip();
    }
  if (n.domain == "ai.onnx") n.domain.clear();
  return n;
}

ValueInfo::Dimension read_dimension(Reader r, Limits& limits) {
  limits.count();
  ValueInfo::Dimension d;
  while (r.next()) switch (r.tag_and_type()) {
      case number(1):
        d.value = r.get_int64();
        break;
      case text(2):
        d.symbol = string_of(r);
        break;
      default:
        r.skip();
    }
  return d;
}

void read_tensor_type(Reader r, ValueInfo& info, Limits& limits) {
  while (r.next()) switch (r.tag_and_type()) {
      case number(1):
        info.elem_type = r.get_int32();
        break;
      case text(2): {
        info.has_shape = true;
        info.shape.clear();
        Reader shape = r.get_message();
        while (shape.next(1, Wire::length_delimited))
          info.shape.push_back(read_dimension(shape.get_message(), limits));
        break;
      }
      default:
        r.skip();
    }
}

ValueInfo read_value_info(Reader r, Limits& limits) {
  limits.count();
  ValueInfo info;
  while (r.next()) switch (r.tag_and_type()) {
      case text(1):
        info.name = string_of(r);
        break;
      case text(2): {
        Reader type = r.get_message();
        while (type.next()) switch (type.tag_and_type()) {
            case text(1):
              read_tensor_type(type.get_message(), info, limits);
              break;
            case text(4):
              info.kind = "sequence";
              type.skip();
              break;
            case text(5):
              info.kind = "map";
              type.skip();
              break;
            case text(7):
              info.kind = "opaque";
              type.skip();
              break;
            case text(8):
              info.kind = "sparse tensor";
              type.skip();
              break;
            case text(9):
              info.kind = "optional";
              type.skip();
              break;
            default:
              type.skip();
          }
        break;
      }
      default:
        r.skip();
    }
  return info;
}

GraphProto read_graph(Reader r, Limits& limits, int depth) {
  deeper(depth);
  limits.count();
  GraphProto g;
  while (r.next()) switch (r.tag_and_type()) {
      case text(1):
        g.nodes.push_back(read_node(r.get_message(), limits, depth));
        break;
      case text(2):
        g.name = string_of(r);
        break;
      case text(5):
        g.initializers.push_back(read_tensor(r.get_message(), limits));
        break;
      case text(11):
        g.inputs.push_back(read_value_info(r.get_message(), limits));
        break;
      case text(12):
        g.outputs.push_back(read_value_info(r.get_message(), limits));
        break;
      case text(15):
        ++g.n_sparse_initializers;
        r.skip();
        break;
      default:
        r.skip();
    }
  return g;
}

void read_opset(Reader r, std::map<std::string, int64_t>& opsets, Limits& limits) {
  limits.count();
  std::string domain;
  int64_t version = 0;
  while (r.next()) switch (r.tag_and_type()) {
      case text(1):
        domain = string_of(r);
        break;
      case number(2):
        version = r.get_int64();
        break;
      default:
        r.skip();
    }
  opsets[domain == "ai.onnx" ? "" : domain] = version;
}

FunctionProto read_function(Reader r, Limits& limits) {
  limits.count();
  FunctionProto f;
  while (r.next()) switch (r.tag_and_type()) {
      case text(1):
        f.name = string_of(r);
        break;
      case text(4):
        limits.count();
        f.inputs.push_back(string_of(r));
        break;
      case text(5):
        limits.count();
        f.outputs.push_back(string_of(r));
        break;
      case text(6):
        limits.count();
        f.attributes.push_back(string_of(r));
        break;
      case text(7):
        f.nodes.push_back(read_node(r.get_message(), limits, 0));
        break;
      case text(9):
        read_opset(r.get_message(), f.opsets, limits);
        break;
      case text(10):
        f.domain = string_of(r);
        break;
      case text(11):
        f.attribute_defaults.push_back(read_attribute(r.get_message(), limits, 0));
        break;
      case text(13):
        f.overload = string_of(r);
        break;
      default:
        r.skip();
    }
  return f;
}

// protozero's own words are "end of buffer exception" and the like.
template <class F>
auto parsed(const char* what, size_t n_bytes, F f) {
  try {
    return f();
  } catch (const protozero::exception& e) {
    fail("[onnx] the {} of {} bytes is damaged or truncated: {}", what, n_bytes, e.what());
  }
}

}  // namespace

ModelProto parse_model(std::shared_ptr<Buffer> bytes) {
  ModelProto m;
  Limits limits;
  const size_t n = bytes->n_bytes();
  parsed("model", n, [&] {
    Reader r(reinterpret_cast<const char*>(bytes->data()), n);
    while (r.next()) switch (r.tag_and_type()) {
        case number(1):
          m.ir_version = r.get_int64();
          break;
        case text(2):
          m.producer_name = string_of(r);
          break;
        case text(3):
          m.producer_version = string_of(r);
          break;
        case text(4):
          m.domain = string_of(r);
          break;
        case text(6):
          m.doc_string = string_of(r);
          break;
        case text(7):
          m.graph = read_graph(r.get_message(), limits, 0);
          break;
        case text(8):
          read_opset(r.get_message(), m.opsets, limits);
          break;
        case text(14):
          limits.count();
          m.metadata.push_back(read_entry(r.get_message()));
          break;
        case text(25):
          m.functions.push_back(read_function(r.get_message(), limits));
          break;
        default:
          r.skip();
      }
    return 0;
  });
  m.bytes = std::move(bytes);
  if (m.ir_version < 1 || m.opsets.empty())
    fail("[onnx] this is not an ONNX model: it has no {}",
         m.ir_version < 1 ? "IR version" : "opset version");
  return m;
}

TensorProto parse_tensor(std::string_view bytes) {
  return parsed("tensor", bytes.size(), [&] {
    Limits limits;
    return read_tensor(Reader(bytes.data(), bytes.size()), limits);
  });
}

}  // namespace andiron::io::onnx
