#include "andiron/exec/native/program.hpp"

#include <algorithm>
#include <unordered_map>

#include "andiron/base/error.hpp"

namespace andiron::exec {

namespace {

constexpr int16_t kFirstDirect = 1000;  // until the number of registers is known
constexpr int64_t kLongBlock = 8192;

class Compiler {
 public:
  Compiler(const std::vector<Value>& inputs, const std::vector<Value>& outputs,
           const std::vector<const Node*>& nodes, const KernelRequest& request)
      : inputs_(inputs), outputs_(outputs), nodes_(nodes), request_(request) {}

  std::unique_ptr<Program> operator()() {
    if (!find_space() || !choose_split()) return nullptr;
    choose_block();
    count_uses();
    for (const Node* node : nodes_)
      if (!emit(*node)) return nullptr;
    for (size_t i = 0; i < outputs_.size(); ++i)
      if (!computed_.count(outputs_[i]) && !write(outputs_[i], i)) return nullptr;
    // One operation from memory to memory: nothing has to stay in the cache for a second one.
    if (p_.rows == 1 && p_.n_registers == 0 && p_.steps.size() == 1 && p_.folds.empty())
      p_.block_cols = std::max(p_.block_cols, std::min(p_.cols, kLongBlock));
    return number_slots() ? std::make_unique<Program>(std::move(p_)) : nullptr;
  }

 private:
  static Value output_of(const Node& node) { return Value(node.shared_from_this(), 0); }

  // The one shape of everything elementwise and of what reductions reduce.
  bool find_space() {
    std::optional<Sizes> full;
    for (const Node* node : nodes_) {
      const bool folds = fold_form(*node).has_value();
      if (!folds && !vector_form(*node)) return false;
      Sizes sizes = (folds ? node->inputs[0].shape() : node->outputs[0].shape).sizes();
      if (full && *full != sizes) return false;
      full = std::move(sizes);
    }
    if (!full) return false;
    full_ = *full;
    space_ = std::make_unique<Space>(full_);
    for (const Node* node : nodes_) {
      if (!fold_form(*node)) continue;
      const auto r = space_->reduction(node->attr<std::vector<int64_t>>("axes"));
      reductions_[node] = r;
      if (r.kind == Space::Reduced::middle) return false;
      if (r.kind != Space::Reduced::leading && r.kind != Space::Reduced::trailing) continue;
      if (split_ && *split_ != r.split) return false;
      split_ = r.split;
    }
    return true;
  }

  bool is_fold(const Value& v) const {
    const auto it = reductions_.find(&v.node());
    return it != reductions_.end() && it->second.kind != Space::Reduced::nothing;
  }

  // A destination as large as the space; one that a reduction of axes of size 1 gives may have
  // fewer axes.
  std::optional<Operand> full_destination(size_t i) const {
    Operand dst = request_.dst[i];
    if (dst.sizes == full_) return dst;
    if (!dst.dense()) return std::nullopt;
    dst.sizes = full_;
    dst.row_stride = dst.cols();
    return dst;
  }

  bool fits() const {
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (!space_->access(request_.src[i])) return false;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (is_fold(outputs_[i])) continue;
      const auto dst = full_destination(i);
      if (!dst || !space_->access(*dst)) return false;
    }
    return true;
  }

  // As few row axes as the operands allow: long rows need few and large blocks.
  bool choose_split() {
    const size_t first = split_.value_or(0), last = split_.value_or(space_->n_axes());
    for (size_t s = first; s <= last; ++s) {
      space_->split_at(s);
      if (fits()) return true;
    }
    return false;
  }

  void choose_block() {
    const size_t n_slots = inputs_.size() + outputs_.size() + 3;
    // The three operands of one operation leave room for more.
    const bool lone = nodes_.size() == 1 && reductions_.empty() && n_slots <= 6;
    const int64_t block = lone ? 2048 : (n_slots <= 8 ? 1024 : (n_slots <= 16 ? 512 : 256));
    p_.rows = space_->rows();
    p_.cols = space_->cols();
    if (p_.cols <= block) {
      p_.block_cols = std::max<int64_t>(p_.cols, 1);
      p_.block_rows = std::clamp<int64_t>(block / p_.block_cols, 1, std::max<int64_t>(p_.rows, 1));
    } else {
      p_.block_cols = block;
    }
  }

  void count_uses() {
    for (const Node* node : nodes_)
      for (const Value& v : node->inputs) ++uses_[v];
    for (const Value& v : outputs_)
      if (!is_fold(v)) ++uses_[v];
  }

  // --- slots ----------------------------------------------------------------------------------

  int16_t new_register() {
    if (!free_.empty()) {
      const int16_t r = free_.back();
      free_.pop_back();
      return r;
    }
    return static_cast<int16_t>(p_.n_registers++);
  }

  int16_t new_direct(std::vector<Program::Direct>& list, size_t index) {
    const auto slot = static_cast<int16_t>(kFirstDirect + n_direct_++);
    list.push_back({slot, static_cast<int16_t>(index)});
    return slot;
  }

  bool lies_like_a_block(const Program::Memory& m) const {
    if (m.dtype != DType::f32 || !m.access.wide) return false;
    return p_.block_rows == 1 || (m.access.affine() && m.access.row_stride() == p_.cols);
  }

  // The slot of an input or constant, loaded on first use.
  int16_t load(const Value& v) {
    Program::Memory m{-1, DType::f32, {}};
    if (v.node().is("constant")) {
      const Tensor& tensor = v.node().attr<Tensor>("tensor");
      if (tensor.count() != 1) return -1;
      m.value = static_cast<float>(tensor.item());
    } else {
      const auto it = std::find(inputs_.begin(), inputs_.end(), v);
      if (it == inputs_.end()) return -1;
      m.operand = static_cast<int16_t>(it - inputs_.begin());
      const Operand& src = request_.src[static_cast<size_t>(m.operand)];
      if (src.dtype == DType::f64) return -1;
      m.dtype = src.dtype;
      m.access = *space_->access(src);
    }
    const size_t index = p_.sources.size();
    p_.sources.push_back(m);
    if (m.operand >= 0 && lies_like_a_block(m)) return new_direct(p_.direct_sources, index);
    const bool resident = m.access.same_for_all_rows() && (!m.access.wide || p_.block_rows > 1);
    // A resident register must hold its values from the first block to the last.
    const int16_t slot = resident ? static_cast<int16_t>(p_.n_registers++) : new_register();
    if (resident) residents_.push_back(slot);
    Program::Step step{Program::Kind::load};
    step.dst = slot;
    step.index = static_cast<int16_t>(index);
    (resident ? p_.setup : p_.steps).push_back(step);
    return slot;
  }

  int16_t slot_of(const Value& v) {
    auto it = slots_.find(v);
    if (it != slots_.end()) return it->second;
    const int16_t slot = load(v);
    if (slot >= 0) slots_[v] = slot;
    return slot;
  }

  void release(const Value& v, int times = 1) {
    if ((uses_[v] -= times) > 0) return;
    const auto it = slots_.find(v);
    if (it == slots_.end() || it->second >= kFirstDirect) return;
    if (std::find(residents_.begin(), residents_.end(), it->second) == residents_.end())
      free_.push_back(it->second);
    slots_.erase(it);
  }

  // --- steps ----------------------------------------------------------------------------------

  void compute(VectorOp op, int16_t dst, int16_t a, int16_t b = -1, int16_t c = -1,
               std::array<float, 2> imm = {}) {
    p_.steps.push_back({Program::Kind::compute, op, dst, a, b, c, -1, imm});
  }

  // The only user of `v`, and v is nothing but that user's operand.
  bool only_inside(const Value& v) const {
    return computed_by_us(v) && uses_.at(v) == 1 && v.dtype() == DType::f32;
  }
  bool computed_by_us(const Value& v) const {
    return std::find(nodes_.begin(), nodes_.end(), &v.node()) != nodes_.end();
  }

  // a * step(b) and relu(a + b), the two commonest pairs, as one operation each. The inner node
  // emits nothing; its operands are used by the outer node instead.
  bool absorb(const Node& node) {
    const auto form = vector_form(node);
    if (!form || (form->op != VectorOp::step && form->op != VectorOp::add)) return false;
    const Value v = output_of(node);
    if (!only_inside(v)) return false;
    const auto user = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node* n) {
      return std::find(n->inputs.begin(), n->inputs.end(), v) != n->inputs.end();
    });
    if (user == nodes_.end()) return false;
    const auto outer = vector_form(**user);
    const bool pair = outer && (form->op == VectorOp::step ? outer->op == VectorOp::multiply
                                                           : outer->op == VectorOp::relu);
    if (pair) absorbed_.emplace(v, &node);
    return pair;
  }

  bool emit(const Node& node) {
    if (is_fold(output_of(node))) return emit_fold(node);
    if (absorb(node)) return true;
    VectorForm form = vector_form(node).value_or(VectorForm{});
    std::vector<Value> operands = node.inputs;
    std::vector<Value> done = node.inputs;
    for (size_t i = 0; i < operands.size(); ++i) {
      const auto inner = absorbed_.find(operands[i]);
      if (inner == absorbed_.end()) continue;
      const Node& absorbed = *inner->second;
      if (form.op == VectorOp::multiply) {
        operands = {operands[1 - i], absorbed.inputs[0]};
        form.op = VectorOp::multiply_step;
      } else {
        operands = absorbed.inputs;
        form.op = VectorOp::add_relu;
      }
      done = operands;
      absorbed_.erase(inner);
      break;
    }
    // Two absorbed steps in one product: the second is computed on its own.
    for (const Value& v : operands) {
      const auto inner = absorbed_.find(v);
      if (inner == absorbed_.end()) continue;
      const Node* late = inner->second;
      absorbed_.erase(inner);
      if (!emit_plain(output_of(*late), *vector_form(*late), late->inputs, late->inputs))
        return false;
    }
    return emit_plain(output_of(node), form, operands, done);
  }

  bool emit_plain(const Value& v, const VectorForm& form, const std::vector<Value>& operands,
                  const std::vector<Value>& done) {
    int16_t slot[3] = {-1, -1, -1};
    for (size_t i = 0; i < operands.size(); ++i)
      if ((slot[i] = slot_of(operands[i])) < 0) return false;
    for (const Value& operand : done) release(operand);
    computed_.insert({v, true});
    const int16_t dst = home(v);
    slots_[v] = dst;
    compute(form.op, dst, slot[0], slot[1], slot[2], form.imm);
    if (v.dtype() == DType::bf16 && form.op != VectorOp::copy)
      compute(VectorOp::round_bf16, dst, dst);
    if (v.dtype() == DType::bf16 && form.op == VectorOp::copy && operands[0].dtype() != DType::bf16)
      compute(VectorOp::round_bf16, dst, dst);
    for (size_t i = 0; i < outputs_.size(); ++i)
      if (outputs_[i] == v && !write(v, i)) return false;
    if (uses_[v] <= 0) release(v, 0);
    return true;
  }

  // Where a value is computed: in its destination where that lies like a block, else in a register.
  int16_t home(const Value& v) {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (!(outputs_[i] == v) || request_.adds_to(i)) continue;
      const Program::Memory m = destination(i);
      if (!lies_like_a_block(m)) continue;
      p_.destinations.push_back(m);
      return new_direct(p_.direct_destinations, p_.destinations.size() - 1);
    }
    return new_register();
  }

  Program::Memory destination(size_t i) const {
    return {static_cast<int16_t>(i), request_.dst[i].dtype, *space_->access(*full_destination(i))};
  }

  // Brings a value to destination i, unless it was computed there.
  bool write(const Value& v, size_t i) {
    const int16_t slot = slot_of(v);
    if (slot < 0) return false;
    for (const Program::Direct& d : p_.direct_destinations)
      if (d.slot == slot &&
          p_.destinations[static_cast<size_t>(d.index)].operand == static_cast<int16_t>(i)) {
        release(v);
        return true;
      }
    const Program::Memory m = destination(i);
    if (request_.adds_to(i) && !lies_like_a_block(m)) return false;
    p_.destinations.push_back(m);
    const auto index = static_cast<int16_t>(p_.destinations.size() - 1);
    if (lies_like_a_block(m)) {
      const int16_t dst = new_direct(p_.direct_destinations, static_cast<size_t>(index));
      if (request_.adds_to(i)) {
        compute(VectorOp::add, dst, dst, slot);
      } else {
        compute(VectorOp::copy, dst, slot);
      }
    } else {
      Program::Step step{Program::Kind::store};
      step.a = slot;
      step.index = index;
      p_.steps.push_back(step);
    }
    release(v);
    return true;
  }

  bool emit_fold(const Node& node) {
    const Value v = output_of(node);
    const int16_t slot = slot_of(node.inputs[0]);
    if (slot < 0 || uses_.count(v) > 0) return false;  // nothing here goes on with a reduction
    computed_.insert({v, true});
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (!(outputs_[i] == v)) continue;
      const Operand& dst = request_.dst[i];
      Program::FoldResult fold{*fold_form(node), reductions_.at(&node).kind,
                               static_cast<int16_t>(i), dst.dtype};
      if (!dst.dense() && dst.cols() != 1) return false;
      if (!dst.dense()) fold.step = dst.row_stride;
      fold.accumulate = request_.adds_to(i);
      if (fold.accumulate && dst.dtype != DType::f32) return false;
      Program::Step step{Program::Kind::fold};
      step.a = slot;
      step.index = static_cast<int16_t>(p_.folds.size());
      p_.folds.push_back(fold);
      p_.steps.push_back(step);
    }
    release(node.inputs[0]);
    return true;
  }

  bool number_slots() {
    if (p_.n_registers + n_direct_ > kMaxSlots) return false;
    auto fix = [&](int16_t& slot) {
      if (slot >= kFirstDirect) slot = static_cast<int16_t>(slot - kFirstDirect + p_.n_registers);
    };
    for (auto* steps : {&p_.setup, &p_.steps})
      for (Program::Step& s : *steps)
        for (int16_t* slot : {&s.dst, &s.a, &s.b, &s.c}) fix(*slot);
    for (auto* list : {&p_.direct_sources, &p_.direct_destinations})
      for (Program::Direct& d : *list) fix(d.slot);
    return true;
  }

  const std::vector<Value>&inputs_, &outputs_;
  const std::vector<const Node*>& nodes_;
  const KernelRequest& request_;
  Program p_;
  Sizes full_;
  std::unique_ptr<Space> space_;
  std::optional<size_t> split_;
  std::unordered_map<const Node*, Space::Reduction> reductions_;
  std::unordered_map<Value, int, ValueHash> uses_;
  std::unordered_map<Value, int16_t, ValueHash> slots_;
  std::unordered_map<Value, bool, ValueHash> computed_;
  std::unordered_map<Value, const Node*, ValueHash> absorbed_;
  std::vector<int16_t> free_, residents_;
  int n_direct_ = 0;
};

}  // namespace

std::unique_ptr<Program> compile_program(const std::vector<Value>& inputs,
                                         const std::vector<Value>& outputs,
                                         const std::vector<const Node*>& nodes,
                                         const KernelRequest& request) {
  return Compiler(inputs, outputs, nodes, request)();
}

}  // namespace andiron::exec
