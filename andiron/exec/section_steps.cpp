#include "andiron/exec/copy_kernels.hpp"
#include "andiron/exec/section_builder.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::exec {

KernelRequest SectionBuilder::request_for(const Node& node) const {
  KernelRequest request{node, {}, {}, options_.threads, options_.workers, options_.helpers, {}};
  for (const Value& v : node.inputs) {
    if (!v.defined()) {
      request.src.push_back({DType::f32, {}, 1});  // dense, so that no kernel is ruled out by it
    } else {
      request.src.push_back(dense_operand(v.type()));
    }
  }
  for (const TensorType& t : node.outputs) request.dst.push_back(dense_operand(t));
  return request;
}

const KernelSupport& SectionBuilder::support_of(const Node& node) {
  auto [it, is_new] = supports_.try_emplace(&node);
  if (is_new && !node.op->traits.view)
    it->second = supports(request_for(node), &asked_.emplace_back());
  return it->second;
}

Section::Place SectionBuilder::place_of(const Home& home) const {
  const Storage& s = storages_[static_cast<size_t>(home.storage)];
  if (s.base == 0) return {0, s.address + home.offset};
  if (s.base > 0) return {s.base, home.offset};
  return {1, s.arena_offset + home.offset};
}

// Views, slices of columns and concats of columns need copies at most. False for other nodes, and
// where no part of a concat lies in its place: its kernel passes through the memory once.
bool SectionBuilder::only_moves(const Node& node, std::vector<Move>& moves) const {
  const Value dst(node.shared_from_this(), 0);
  const Home to = home_.at(dst);
  auto move = [&](Home from, Home target) {
    if (from.storage != target.storage || from.offset != target.offset)
      moves.push_back({from, target});
  };
  if (node.op->traits.view) {
    if (!operand(node.inputs[0]).dense() || !operand(dst).dense()) return false;
    const int64_t n = dense_operand(dst.type()).count();
    const Home from = home_.at(node.inputs[0]);
    move({from.storage, from.offset, n}, {to.storage, to.offset, n});
    return true;
  }
  if (node.is("slice")) {
    Home from;
    if (!same_columns(node, from)) return false;
    move(from, to);
    return true;
  }
  if (!node.is("concat")) return false;
  const int64_t rank = dst.rank();
  if (normalize_axis("concat", node.attr<int64_t>("axis"), rank) != rank - 1) return false;
  int64_t offset = to.offset;
  size_t parts = 0;
  for (const Value& v : node.inputs) {
    if (v.shape().back() == Dim(0)) continue;  // its place would be its neighbour's
    move(home_.at(v), {to.storage, offset, to.row_stride});
    offset += v.shape().back().size() * static_cast<int64_t>(size_of(v.dtype()));
    ++parts;
  }
  if (parts < 2 || moves.size() < parts) return true;
  moves.clear();
  return false;
}

void SectionBuilder::make_steps() {
  struct Draft {
    Section::Step step;
    std::vector<Home> src, dst;
    std::vector<bool> present;
  };
  std::vector<Draft> drafts;
  auto add_move = [&](const Node& node, const Operand& shape, const Move& m) {
    Draft d;
    Operand src = shape;
    src.row_stride = m.from.row_stride;
    d.step.kernel = make_copy(src, m.to.row_stride, options_.threads, options_.helpers);
    d.step.node = &node;
    d.step.dst_operands = {shape};
    d.step.dst_operands[0].row_stride = m.to.row_stride;
    d.src = {m.from};
    d.dst = {m.to};
    d.present = {true};
    drafts.push_back(std::move(d));
  };

  for (const Node* node : nodes_) {
    const std::vector<Value> outputs = outputs_of(*node);
    std::vector<Move> moves;
    if (only_moves(*node, moves)) {
      for (const Move& m : moves) {
        // A view moves as one row; a part of a concat or slice has the part's own shape.
        Operand shape =
            dense_operand(node->is("concat") ? node->inputs[0].type() : outputs[0].type());
        if (node->op->traits.view) shape.sizes = {shape.count()};
        if (node->is("concat")) {
          int64_t offset = home_.at(outputs[0]).offset;
          for (const Value& v : node->inputs) {
            if (offset == m.to.offset && v.shape().back() != Dim(0))
              shape = dense_operand(v.type());
            offset += v.shape().back().size() * static_cast<int64_t>(size_of(v.dtype()));
          }
        }
        if (shape.count() > 0) add_move(*node, shape, m);
      }
      continue;
    }
    if (ops::is_idle(*node)) continue;
    Draft d;
    KernelRequest request = request_for(*node);
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const Value& v = node->inputs[i];
      d.present.push_back(v.defined());
      d.src.push_back(v.defined() ? home_.at(v) : Home{});
      if (v.defined()) request.src[i].row_stride = home_.at(v).row_stride;
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      d.dst.push_back(home_.at(outputs[i]));
      request.dst[i].row_stride = d.dst.back().row_stride;
      d.step.dst_operands.push_back(request.dst[i]);
      const Storage& s = storages_[static_cast<size_t>(d.dst.back().storage)];
      const int export_index = s.base - 2 - static_cast<int>(section_.n_imports_);
      const bool exported = s.base >= 0 && export_index >= 0;
      request.accumulate.push_back(exported && accumulates_[static_cast<size_t>(export_index)]);
    }
    d.step.kernel = make_kernel(request);
    d.step.node = node;
    drafts.push_back(std::move(d));
  }

  // Scratch of a step lives for that step; then everything gets its offset.
  std::vector<Lifetime> blocks;
  std::vector<int> block_of(storages_.size(), -1);
  for (size_t i = 0; i < storages_.size(); ++i) {
    const Storage& s = storages_[i];
    if (s.base >= 0 || s.first < 0) continue;
    block_of[i] = static_cast<int>(blocks.size());
    blocks.push_back({s.n_bytes, s.first, s.last, -1});
  }
  const size_t n_storage_blocks = blocks.size();
  for (const Draft& d : drafts) {
    const int at = step_of_.at(d.step.node);
    blocks.push_back({static_cast<int64_t>(d.step.kernel->scratch_bytes()), at, at, -1});
  }
  section_.arena_bytes_ = static_cast<size_t>(plan_memory(blocks));
  for (size_t i = 0; i < storages_.size(); ++i)
    if (block_of[i] >= 0)
      storages_[i].arena_offset = blocks[static_cast<size_t>(block_of[i])].offset;

  for (size_t i = 0; i < drafts.size(); ++i) {
    Draft& d = drafts[i];
    for (size_t k = 0; k < d.src.size(); ++k)
      d.step.src.push_back(d.present[k] ? place_of(d.src[k]) : Section::Place{-1, 0});
    for (const Home& home : d.dst) d.step.dst.push_back(place_of(home));
    d.step.scratch = {1, blocks[n_storage_blocks + i].offset};
    section_.steps_.push_back(std::move(d.step));
  }
  copy_exports();
}

// Exports that no kernel wrote: leaves, repeated ones, donated updates that could not be made in
// place, sums whose kernel cannot add.
void SectionBuilder::copy_exports() {
  for (size_t i = 0; i < export_done_.size(); ++i) {
    if (export_done_[i]) continue;
    const Value& from = section_.graph_.outputs()[i];
    const Operand src = operand(from);
    Section::Step copy;
    copy.kernel = options_.accumulate[i]
                      ? make_add_into(src, options_.threads, options_.helpers)
                      : make_copy(src, src.cols(), options_.threads, options_.helpers);
    copy.src = {place_of(home_.at(from))};
    copy.dst = {{2 + static_cast<int>(section_.n_imports_ + i), 0}};
    copy.node = &from.node();
    copy.dst_operands = {dense_operand(from.type())};
    section_.steps_.push_back(std::move(copy));
  }
}

}  // namespace andiron::exec
