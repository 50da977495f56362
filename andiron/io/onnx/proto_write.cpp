#include <protozero/pbf_writer.hpp>

#include "andiron/io/onnx/proto.hpp"

namespace andiron::io::onnx {

namespace {

using Writer = protozero::pbf_writer;

// Bytes of a message that is built apart and then put in.
template <class F>
void message(Writer& out, uint32_t tag, F f) {
  std::string bytes;
  Writer inner(bytes);
  f(inner);
  out.add_message(tag, bytes);
}

void write(Writer& w, const TensorProto& t) {
  w.add_packed_int64(1, t.dims.begin(), t.dims.end());
  w.add_int32(2, t.data_type);
  if (!t.name.empty()) w.add_string(8, t.name);
  if (t.raw_data) w.add_bytes(9, t.raw_data->data(), t.raw_data->size());
}

void write(Writer& w, const AttributeProto& a) {
  w.add_string(1, a.name);
  w.add_int32(20, a.type);
  switch (a.type) {
    case 1:
      w.add_float(2, a.f);
      break;
    case 2:
      w.add_int64(3, a.i);
      break;
    case 3:
      w.add_bytes(4, a.s);
      break;
    case 4:
      message(w, 5, [&](Writer& inner) { write(inner, *a.t); });
      break;
    case 6:
      for (float f : a.floats) w.add_float(7, f);
      break;
    case 7:
      for (int64_t i : a.ints) w.add_int64(8, i);
      break;
    case 8:
      for (const std::string& s : a.strings) w.add_bytes(9, s);
      break;
    default:
      break;
  }
}

void write(Writer& w, const NodeProto& n) {
  for (const std::string& s : n.inputs) w.add_string(1, s);
  for (const std::string& s : n.outputs) w.add_string(2, s);
  if (!n.name.empty()) w.add_string(3, n.name);
  w.add_string(4, n.op_type);
  for (const AttributeProto& a : n.attributes)
    message(w, 5, [&](Writer& inner) { write(inner, a); });
  if (!n.domain.empty()) w.add_string(7, n.domain);
}

void write(Writer& w, const ValueInfo& info) {
  w.add_string(1, info.name);
  message(w, 2, [&](Writer& type) {
    message(type, 1, [&](Writer& tensor) {
      tensor.add_int32(1, info.elem_type);
      message(tensor, 2, [&](Writer& shape) {
        for (const ValueInfo::Dimension& d : info.shape)
          message(shape, 1, [&](Writer& dim) {
            if (!d.symbol.empty())
              dim.add_string(2, d.symbol);
            else if (d.value >= 0)
              dim.add_int64(1, d.value);
          });
      });
    });
  });
}

void write(Writer& w, const GraphProto& g) {
  for (const NodeProto& n : g.nodes) message(w, 1, [&](Writer& inner) { write(inner, n); });
  w.add_string(2, g.name);
  for (const TensorProto& t : g.initializers)
    message(w, 5, [&](Writer& inner) { write(inner, t); });
  for (const ValueInfo& v : g.inputs) message(w, 11, [&](Writer& inner) { write(inner, v); });
  for (const ValueInfo& v : g.outputs) message(w, 12, [&](Writer& inner) { write(inner, v); });
}

}  // namespace

std::string serialize(const ModelProto& m) {
  std::string bytes;
  Writer w(bytes);
  w.add_int64(1, m.ir_version);
  w.add_string(2, m.producer_name);
  w.add_string(3, m.producer_version);
  message(w, 7, [&](Writer& inner) { write(inner, m.graph); });
  for (const auto& [domain, version] : m.opsets)
    message(w, 8, [&](Writer& inner) {
      inner.add_string(1, domain);
      inner.add_int64(2, version);
    });
  for (const auto& [key, value] : m.metadata)
    message(w, 14, [&](Writer& inner) {
      inner.add_string(1, key);
      inner.add_string(2, value);
    });
  return bytes;
}

}  // namespace andiron::io::onnx
