#include "andiron/exec/section_builder.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/exec/copy_kernels.hpp"

namespace andiron::exec {

namespace {

bool is_leaf(const Node& node) { return node.is("input") || node.is("constant"); }

int64_t bytes_of(const TensorType& type) {
  return type.shape.count().size() * static_cast<int64_t>(size_of(type.dtype));
}

// The input whose memory output i takes over by the op's contract, or -1.
int inplace_input(const Node& node, int output) {
  const auto& inplace = node.op->traits.inplace;
  return static_cast<size_t>(output) < inplace.size() ? inplace[static_cast<size_t>(output)] : -1;
}

}  // namespace

SectionBuilder::SectionBuilder(Section& section, SectionOptions options)
    : section_(section), options_(std::move(options)) {
  const size_t n = section_.graph_.outputs().size();
  options_.accumulate.resize(n, false);
  options_.donated.resize(n, -1);
  export_done_.assign(n, false);
  accumulates_.assign(n, false);
  for (size_t i = 0; i < n; ++i)
    exports_of_[section_.graph_.outputs()[i]].push_back(static_cast<int>(i));
}

void SectionBuilder::build() {
  schedule();
  place_leaves();
  place_exports();
  place_concats();
  for (size_t s = 0; s < nodes_.size(); ++s) place_node(*nodes_[s], static_cast<int>(s));
  note_lifetimes();
  make_steps();
}

std::vector<Value> SectionBuilder::outputs_of(const Node& node) const {
  std::vector<Value> values;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    values.emplace_back(node.shared_from_this(), static_cast<int>(i));
  return values;
}

// --- order ------------------------------------------------------------------------------------

// Walks from an update back to the donated import along inplace inputs. Every other reader of a
// value on the way must run before the node that overwrites it.
bool SectionBuilder::follow_donation(size_t output) {
  const Value& target = section_.graph_.inputs()[static_cast<size_t>(options_.donated[output])];
  std::vector<Value> chain;
  Value v = section_.graph_.outputs()[output];
  while (!(v == target)) {
    if (is_leaf(v.node()) || donated_values_.count(v) > 0) return false;
    const int i = inplace_input(v.node(), v.index());
    if (i < 0) return false;
    chain.push_back(v);
    v = v.node().inputs[static_cast<size_t>(i)];
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    const Value& old = i + 1 < chain.size() ? chain[i + 1] : target;
    if (is_export(old)) return false;
    for (const Node* reader : readers_[old])
      if (reader != &chain[i].node()) after_[&chain[i].node()].insert(reader);
  }
  for (const Value& value : chain) donated_values_[value] = static_cast<int>(output);
  return true;
}

bool SectionBuilder::order_nodes() {
  std::vector<const Node*> order;
  std::unordered_map<const Node*, int> state;  // 1: on the stack, 2: done
  std::vector<std::pair<const Node*, std::vector<const Node*>>> stack;
  auto push = [&](const Node* node) {
    state[node] = 1;
    std::vector<const Node*> needs;
    for (const Value& v : node->inputs)
      if (v.defined()) needs.push_back(&v.node());
    if (auto it = after_.find(node); it != after_.end())
      for (const Node* reader : nodes_)  // a fixed order, unlike the set's
        if (it->second.count(reader) > 0) needs.push_back(reader);
    std::reverse(needs.begin(), needs.end());
    stack.emplace_back(node, std::move(needs));
  };
  for (const Node* root : nodes_) {
    if (state[root] != 0) continue;
    push(root);
    while (!stack.empty()) {
      auto& [node, needs] = stack.back();
      if (needs.empty()) {
        state[node] = 2;
        if (!is_leaf(*node)) order.push_back(node);
        stack.pop_back();
        continue;
      }
      const Node* next = needs.back();
      needs.pop_back();
      if (state[next] == 1) return false;
      if (state[next] == 0) push(next);
    }
  }
  nodes_ = std::move(order);
  return true;
}

void SectionBuilder::schedule() {
  const std::vector<const Node*> all = section_.graph_.nodes();
  for (const Node* node : all) {
    if (is_leaf(*node)) continue;
    for (const Value& v : node->inputs) {
      if (!v.defined()) continue;
      auto& readers = readers_[v];
      if (readers.empty() || readers.back() != node) readers.push_back(node);
    }
  }
  nodes_ = all;
  for (size_t i = 0; i < options_.donated.size(); ++i) {
    if (options_.donated[i] < 0) continue;
    const auto saved_after = after_;
    const auto saved_values = donated_values_;
    bool good = follow_donation(i);
    if (good) {
      const auto saved_nodes = nodes_;
      good = order_nodes();
      nodes_ = saved_nodes;
    }
    if (!good) {  // computed elsewhere and copied at the end
      after_ = saved_after;
      donated_values_ = saved_values;
    }
  }
  const bool ordered = order_nodes();
  ANDIRON_ASSERT(ordered);
  for (size_t s = 0; s < nodes_.size(); ++s) step_of_[nodes_[s]] = static_cast<int>(s);
}

// --- places -----------------------------------------------------------------------------------

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

// The inputs of a concat along the last axis are written into it by their producers when these
// understand strided destinations; then the concat itself is nothing.
void SectionBuilder::place_concats() {
  for (size_t n = nodes_.size(); n-- > 0;) {
    const Node& node = *nodes_[n];
    if (!node.is("concat")) continue;
    const Value dst(node.shared_from_this(), 0);
    const int64_t rank = dst.rank();
    if (normalize_axis("concat", node.attr<int64_t>("axis"), rank) != rank - 1) continue;
    bool all = true;
    for (const Value& v : node.inputs) {
      const bool mine = !is_leaf(v.node()) && home_.count(v) == 0 && !is_export(v) &&
                        !v.node().op->traits.view && !v.node().is("slice") &&
                        std::count(node.inputs.begin(), node.inputs.end(), v) == 1;
      all &= mine && support_of(v.node()).strided_dst;
      if (!all) break;
      for (const Node* reader : readers_[v])
        all &= reader == &node || support_of(*reader).strided_src;
    }
    if (!all) continue;
    if (home_.count(dst) == 0) {
      Storage s;
      s.n_bytes = bytes_of(dst.type());
      home_[dst] = {new_storage(s), 0, dense_operand(dst.type()).cols()};
    }
    const Home whole = home_.at(dst);
    int64_t offset = whole.offset;
    for (const Value& v : node.inputs) {
      home_[v] = {whole.storage, offset, whole.row_stride};
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

// Slices that take whole rows, or the same columns of each row, are views when all readers can
// walk rows with a stride.
bool SectionBuilder::place_slice(const Node& node) {
  const Value dst(node.shared_from_this(), 0);
  if (home_.count(dst) > 0) return false;
  const Value& src = node.inputs[0];
  const Sizes begin = node.attr<Shape>("begin").sizes();
  const Sizes from = src.shape().sizes(), to = dst.shape().sizes();
  const auto item = static_cast<int64_t>(size_of(src.dtype()));
  const Home home = home_.at(src);
  const size_t rank = from.size();
  if (rank == 0 || begin.size() != rank) return false;
  bool tail_whole = true, head_whole = true;
  for (size_t i = 1; i < rank; ++i) tail_whole &= from[i] == to[i];
  for (size_t i = 0; i + 1 < rank; ++i) head_whole &= from[i] == to[i];
  if (tail_whole && rank >= 1 && operand(src).dense()) {
    int64_t row = item;
    for (size_t i = 1; i < rank; ++i) row *= from[i];
    home_[dst] = {home.storage, home.offset + begin[0] * row, dense_operand(dst.type()).cols()};
    return true;
  }
  if (!head_whole) return false;
  for (const Node* reader : readers_[dst])
    if (!support_of(*reader).strided_src) return false;
  home_[dst] = {home.storage, home.offset + begin[rank - 1] * item, home.row_stride};
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

// --- steps ------------------------------------------------------------------------------------

KernelRequest SectionBuilder::request_for(const Node& node) const {
  KernelRequest request{node, {}, {}, options_.threads, options_.workers, {}};
  for (const Value& v : node.inputs) {
    if (!v.defined()) {
      request.src.push_back({DType::f32, {}, 0});
    } else {
      request.src.push_back(dense_operand(v.type()));
    }
  }
  for (const TensorType& t : node.outputs) request.dst.push_back(dense_operand(t));
  return request;
}

const KernelSupport& SectionBuilder::support_of(const Node& node) {
  auto [it, is_new] = supports_.try_emplace(&node);
  if (is_new && !node.op->traits.view) it->second = supports(request_for(node));
  return it->second;
}

Section::Place SectionBuilder::place_of(const Home& home) const {
  const Storage& s = storages_[static_cast<size_t>(home.storage)];
  if (s.base == 0) return {0, s.address + home.offset};
  if (s.base > 0) return {s.base, home.offset};
  return {1, s.arena_offset + home.offset};
}

void SectionBuilder::add_copy(const Value& from, int export_index, bool accumulate, int step) {
  (void)step;
  Section::Step copy;
  copy.kernel = accumulate ? make_add_into(operand(from), options_.threads)
                           : make_copy(operand(from), options_.threads);
  copy.src = {place_of(home_.at(from))};
  copy.dst = {{2 + static_cast<int>(section_.n_imports_) + export_index, 0}};
  copy.node = &from.node();
  copy.dst_operands = {dense_operand(from.type())};
  section_.steps_.push_back(std::move(copy));
}

void SectionBuilder::make_steps() {
  std::vector<Section::Step> steps;
  std::vector<size_t> scratch_bytes;
  for (const Node* node : nodes_) {
    const std::vector<Value> outputs = outputs_of(*node);
    const bool nothing =
        (node->op->traits.view || node->is("slice") || node->is("concat")) &&
        std::all_of(node->inputs.begin(), node->inputs.end(), [&](const Value& v) {
          return home_.at(v).storage == home_.at(outputs[0]).storage;
        });
    if (nothing) continue;
    KernelRequest request = request_for(*node);
    Section::Step step;
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const Value& v = node->inputs[i];
      if (v.defined()) request.src[i].row_stride = home_.at(v).row_stride;
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      request.dst[i].row_stride = home_.at(outputs[i]).row_stride;
      step.dst_operands.push_back(request.dst[i]);
      bool adds = false;
      const Storage& s = storages_[static_cast<size_t>(home_.at(outputs[i]).storage)];
      const int export_index = s.base - 2 - static_cast<int>(section_.n_imports_);
      if (s.base >= 0 && export_index >= 0) adds = accumulates_[static_cast<size_t>(export_index)];
      request.accumulate.push_back(adds);
    }
    step.kernel = make_kernel(request);
    step.node = node;
    steps.push_back(std::move(step));
    scratch_bytes.push_back(steps.back().kernel->scratch_bytes());
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
  for (size_t i = 0; i < steps.size(); ++i) {
    const int at = step_of_.at(steps[i].node);
    blocks.push_back({static_cast<int64_t>(scratch_bytes[i]), at, at, -1});
  }
  section_.arena_bytes_ = static_cast<size_t>(plan_memory(blocks));
  for (size_t i = 0; i < storages_.size(); ++i)
    if (block_of[i] >= 0)
      storages_[i].arena_offset = blocks[static_cast<size_t>(block_of[i])].offset;

  for (size_t i = 0; i < steps.size(); ++i) {
    Section::Step& step = steps[i];
    for (const Value& v : step.node->inputs)
      step.src.push_back(v.defined() ? place_of(home_.at(v)) : Section::Place{-1, 0});
    for (const Value& v : outputs_of(*step.node)) step.dst.push_back(place_of(home_.at(v)));
    step.scratch = {1, blocks[n_storage_blocks + i].offset};
  }
  section_.steps_ = std::move(steps);
  for (size_t i = 0; i < export_done_.size(); ++i) {
    if (export_done_[i]) continue;
    add_copy(section_.graph_.outputs()[i], static_cast<int>(i), options_.accumulate[i],
             static_cast<int>(nodes_.size()));
  }
}

}  // namespace andiron::exec
