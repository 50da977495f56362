#include <algorithm>

#include "andiron/exec/section_builder.hpp"

namespace andiron::exec {

namespace {

bool is_leaf(const Node& node) { return node.is("input") || node.is("constant"); }

int64_t bytes_of(const TensorType& type) {
  return type.shape.count().size() * static_cast<int64_t>(size_of(type.dtype));
}

}  // namespace

int SectionBuilder::new_storage(Storage storage) {
  storages_.push_back(storage);
  return static_cast<int>(storages_.size()) - 1;
}

Operand SectionBuilder::dense_operand(const TensorType& type) const {
  Operand o{type.dtype, type.shape.sizes(), 0};
  o.row_stride = o.cols();
  return o;
}

Operand SectionBuilder::operand(const Value& v) const {
  Operand o = dense_operand(v.type());
  o.row_stride = home_.at(v).row_stride;
  return o;
}

void SectionBuilder::place_leaves() {
  const auto& inputs = section_.graph_.inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    Storage s;
    s.base = 2 + static_cast<int>(i);
    s.n_bytes = bytes_of(inputs[i].type());
    home_[inputs[i]] = {new_storage(s), 0, dense_operand(inputs[i].type()).cols()};
  }
  for (const Node* node : section_.graph_.nodes()) {
    if (!node->is("constant")) continue;
    const auto& tensor = node->attr<Tensor>("tensor");
    section_.constants_.push_back(tensor);
    Storage s;
    s.base = 0;
    s.address = reinterpret_cast<int64_t>(tensor.raw());
    const Value v(node->shared_from_this(), 0);
    home_[v] = {new_storage(s), 0, dense_operand(v.type()).cols()};
  }
}

// An export is written where the caller wants it, unless it is a leaf, a second export of one
// value, a view of something else, or must be added by a kernel that cannot add.
void SectionBuilder::place_exports() {
  const auto& outputs = section_.graph_.outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    Value v = outputs[i];
    const bool donated = options_.donated[i] >= 0;
    if (donated && donated_values_.count(v) == 0) continue;
    while (v.node().op->traits.view && !donated) v = v.node().inputs[0];
    if (is_leaf(v.node()) || home_.count(v) > 0) continue;
    if (v != outputs[i] && is_export(v)) continue;
    if (options_.accumulate[i]) {
      if (!support_of(v.node()).accumulates || !readers_[v].empty()) {
        const bool only_viewed = v != outputs[i] && readers_[v].size() == 1;
        if (!support_of(v.node()).accumulates || !only_viewed) continue;
      }
      accumulates_[i] = true;
    }
    Storage s;
    s.base = 2 + static_cast<int>(section_.n_imports_ + i);
    s.n_bytes = bytes_of(v.type());
    home_[v] = {new_storage(s), 0, dense_operand(v.type()).cols()};
    export_done_[i] = true;
    if (!donated) continue;
    for (const auto& [value, output] : donated_values_)
      if (output == static_cast<int>(i)) home_[value] = home_[v];
  }
}

// Whether the producer of a concat's input can write it into the concat, and all its readers can
// read it there.
bool SectionBuilder::writes_strided(const Value& v, const Node& concat) {
  if (is_leaf(v.node()) || home_.count(v) > 0 || is_export(v)) return false;
  if (v.node().op->traits.view || v.node().is("slice") || v.node().is("concat")) return false;
  if (std::count(concat.inputs.begin(), concat.inputs.end(), v) != 1) return false;
  if (!support_of(v.node()).strided_dst) return false;
  for (const Node* reader : readers_[v])
    if (reader != &concat && !support_of(*reader).strided_src) return false;
  return true;
}

// The inputs of a concat along the last axis are written into it by their producers when these
// understand strided destinations; the others are copied there (see only_moves).
void SectionBuilder::place_concats() {
  for (size_t n = nodes_.size(); n-- > 0;) {
    const Node& node = *nodes_[n];
    if (!node.is("concat")) continue;
    const Value dst(node.shared_from_this(), 0);
    const int64_t rank = dst.rank();
    if (normalize_axis("concat", node.attr<int64_t>("axis"), rank) != rank - 1) continue;
    if (home_.count(dst) == 0) {
      Storage s;
      s.n_bytes = bytes_of(dst.type());
      home_[dst] = {new_storage(s), 0, dense_operand(dst.type()).cols()};
    }
    const Home whole = home_.at(dst);
    int64_t offset = whole.offset;
    for (const Value& v : node.inputs) {
      if (writes_strided(v, node)) home_[v] = {whole.storage, offset, whole.row_stride};
      offset += v.shape().back().size() * static_cast<int64_t>(size_of(v.dtype()));
    }
  }
}

bool SectionBuilder::place_view(const Node& node) {
  const Home& src = home_.at(node.inputs[0]);
  const Operand o = operand(node.inputs[0]);
  if (!o.dense()) return false;
  const Value dst(node.shared_from_this(), 0);
  if (home_.count(dst) > 0 && home_.at(dst).storage != src.storage) return false;
  home_[dst] = {src.storage, src.offset, dense_operand(dst.type()).cols()};
  return true;
}

// Whether a slice takes whole rows, or the same columns of each row: then it lies in its source
// at `source`.
bool SectionBuilder::same_columns(const Node& slice, Home& source) const {
  const Value& src = slice.inputs[0];
  const Sizes from = src.shape().sizes(), to = slice.outputs[0].shape.sizes();
  const Sizes begin = slice.attr<Shape>("begin").sizes();
  const auto item = static_cast<int64_t>(size_of(src.dtype()));
  const size_t rank = from.size();
  if (rank == 0) return false;
  source = home_.at(src);
  bool tail_whole = true, head_whole = true;
  for (size_t i = 1; i < rank; ++i) tail_whole &= from[i] == to[i];
  for (size_t i = 0; i + 1 < rank; ++i) head_whole &= from[i] == to[i];
  if (tail_whole && operand(src).dense()) {
    int64_t row = item;
    for (size_t i = 1; i < rank; ++i) row *= from[i];
    source.offset += begin[0] * row;
    source.row_stride = dense_operand(slice.outputs[0]).cols();
    return true;
  }
  if (!head_whole) return false;
  source.offset += begin[rank - 1] * item;
  return true;
}

// Slices are views when all readers can walk rows with a stride.
bool SectionBuilder::place_slice(const Node& node) {
  const Value dst(node.shared_from_this(), 0);
  Home source;
  if (home_.count(dst) > 0 || !same_columns(node, source)) return false;
  if (source.row_stride != dense_operand(dst.type()).cols())
    for (const Node* reader : readers_[dst])
      if (!support_of(*reader).strided_src) return false;
  home_[dst] = source;
  return true;
}

bool SectionBuilder::place_in_dying_input(const Node& node, int step, size_t output) {
  const Value dst(node.shared_from_this(), static_cast<int>(output));
  const int i = inplace_input(node, static_cast<int>(output));
  if (i < 0) return false;
  const Value& src = node.inputs[static_cast<size_t>(i)];
  if (!src.defined() || bytes_of(src.type()) != bytes_of(dst.type())) return false;
  if (src.shape() != dst.shape()) return false;
  const Home& home = home_.at(src);
  Storage& storage = storages_[static_cast<size_t>(home.storage)];
  if (storage.base >= 0 || storage.n_bytes != bytes_of(dst.type())) return false;
  // No value in this storage may be read later, nor twice by this node.
  for (const auto& [value, other] : home_) {
    if (other.storage != home.storage) continue;
    if (is_export(value)) return false;
    auto it = readers_.find(value);
    if (it == readers_.end()) continue;
    for (const Node* reader : it->second)
      if (step_of_.at(reader) > step || (reader == &node && !(value == src))) return false;
  }
  if (std::count(node.inputs.begin(), node.inputs.end(), src) > 1 && node.inputs.size() > 2)
    return false;
  home_[dst] = home;
  return true;
}

void SectionBuilder::place_node(const Node& node, int step) {
  if (node.op->traits.view && place_view(node)) return;
  if (node.is("slice") && place_slice(node)) return;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const Value v(node.shared_from_this(), static_cast<int>(i));
    if (home_.count(v) > 0 || place_in_dying_input(node, step, i)) continue;
    Storage s;
    s.n_bytes = bytes_of(v.type());
    home_[v] = {new_storage(s), 0, dense_operand(v.type()).cols()};
  }
}

void SectionBuilder::note_lifetimes() {
  auto touch = [&](const Value& v, int step) {
    Storage& s = storages_[static_cast<size_t>(home_.at(v).storage)];
    s.first = s.first < 0 ? step : std::min(s.first, step);
    s.last = std::max(s.last, step);
  };
  for (const Node* node : nodes_) {
    const int step = step_of_.at(node);
    for (const Value& v : node->inputs)
      if (v.defined()) touch(v, step);
    for (const Value& v : outputs_of(*node)) touch(v, step);
  }
  for (const Value& v : section_.graph_.outputs()) touch(v, static_cast<int>(nodes_.size()));
}

}  // namespace andiron::exec
