#pragma once

#include <cstring>
#include <vector>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/flush_denormals.hpp"
#include "andiron/ops/optimizer/operands.hpp"
#include "andiron/ops/optimizer/rule.hpp"

/// Plain kernels of the optimizers' ops, for float and double.
namespace andiron::ops {

/// The scalars of a step as T; float32 gets what the history would hold.
template <class R, class T>
std::array<T, kStepScalars> scalars_of(const Attributes& a, const Tensor& learning_rate,
                                       const Tensor& step) {
  const StepScalars k = R::scalars(a, learning_rate.item(), step.data<int64_t>()[0]);
  std::array<T, kStepScalars> out;
  std::copy(k.begin(), k.end(), out.begin());
  return out;
}

/// One parameter with its slots, as arrays.
template <class T>
struct ElementArrays {
  T* p = nullptr;
  std::array<T*, 3> slot = {};
  int n_slots = 0;

  template <class Step>
  void apply(const Step& rule, int64_t i, const T& g, const T* k) const {
    T s[3] = {T(0), T(0), T(0)};
    for (int j = 0; j < n_slots; ++j) s[j] = slot[static_cast<size_t>(j)][i];
    rule(p[i], g, s, k);
    for (int j = 0; j < n_slots; ++j) slot[static_cast<size_t>(j)][i] = s[j];
  }
};

/// Copies src[0], src[first_slot...] to dst, where the new values are then computed.
template <class T>
ElementArrays<T> copy_state(const ReferenceContext& c, size_t first_slot, int n_slots) {
  ElementArrays<T> state;
  state.n_slots = n_slots;
  for (size_t i = 0; i < c.dst.size(); ++i)
    c.dst[i].copy_from(c.src[i == 0 ? 0 : first_slot + i - 1]);
  state.p = c.dst[0].data<T>();
  for (int j = 0; j < n_slots; ++j)
    state.slot[static_cast<size_t>(j)] = c.dst[static_cast<size_t>(j) + 1].data<T>();
  return state;
}

template <class F>
void visit_parameter(DType dtype, F&& f) {
  if (dtype == DType::f32) return f.template operator()<float>();
  ANDIRON_ASSERT(dtype == DType::f64);
  f.template operator()<double>();
}

template <class R>
void reference_update(const ReferenceContext& c) {
  const FlushDenormals flush;
  const UpdateInputs in{static_cast<size_t>(R::n_slots(c.attributes))};
  for (size_t o = 0; o < c.dst.size(); ++o) c.dst[o].copy_from(c.src[in.source_of(o)]);
  visit_parameter(c.dst[0].dtype(), [&]<class T>() {
    const typename R::template Step<T> rule(c.attributes);
    const auto k = scalars_of<R, T>(c.attributes, c.src[in.kLearningRate], c.src[in.kStep]);
    for (size_t i = 0; i < in.n_parameters(c.src.size()); ++i) {
      ElementArrays<T> state;
      state.n_slots = static_cast<int>(in.n_slots);
      state.p = c.dst[in.out(i)].template data<T>();
      for (size_t s = 0; s < in.n_slots; ++s)
        state.slot[s] = c.dst[in.out(i) + 1 + s].template data<T>();
      const T* g = c.src[in.grad(i)].template data<T>();
      for (int64_t j = 0; j < c.dst[in.out(i)].count(); ++j) state.apply(rule, j, g[j], k.data());
    }
  });
}

template <class R>
void reference_update_rows(const ReferenceContext& c) {
  using In = UpdateRowsInputs;
  const FlushDenormals flush;
  const int n_slots = R::n_slots(c.attributes);
  const bool exact = c.src.size() > In::kSlots + static_cast<size_t>(n_slots);
  const auto* order = c.src[In::kOrder].data<int32_t>();
  const auto* rows = c.src[In::kRows].data<int32_t>();
  const auto* starts = c.src[In::kStarts].data<int32_t>();
  const int32_t count = c.src[In::kCount].data<int32_t>()[0];
  const int64_t width = c.dst[0].size(1);
  const ValuesBy by = values_by(c.attributes);
  visit_parameter(c.src[In::kTable].dtype(), [&]<class T>() {
    const typename R::template Step<T> rule(c.attributes);
    const auto k = scalars_of<R, T>(c.attributes, c.src[In::kLearningRate], c.src[In::kStep]);
    const auto state = copy_state<T>(c, In::kSlots, n_slots);
    const T* values = c.src[In::kValues].template data<T>();
    for (int32_t j = 0; j < count; ++j) {
      for (int64_t d = 0; d < width; ++d) {
        T g = T(0);
        if (by == ValuesBy::position) {
          for (int32_t i = starts[j]; i < starts[j + 1]; ++i) g += values[order[i] * width + d];
        } else {
          g = values[(by == ValuesBy::unique ? j : rows[j]) * width + d];
        }
        state.apply(rule, rows[j] * width + d, g, k.data());
      }
      if (exact)
        c.dst.back().data<int32_t>()[rows[j]] =
            static_cast<int32_t>(c.src[In::kStep].data<int64_t>()[0]);
    }
  });
}

[[noreturn]] void fail_history(std::string_view optimizer, int64_t row, int64_t last_step,
                               int64_t step, int64_t n_history);

template <class R>
void reference_catch_up(const ReferenceContext& c) {
  using In = CatchUpInputs;
  const FlushDenormals flush;
  const Replay replay = R::replay(c.attributes);
  const int64_t step = c.src[In::kStep].data<int64_t>()[0];
  const int64_t n_rows = c.dst[0].size(0), width = c.dst[0].size(1);
  const int64_t n_history = c.src[In::kHistory].size(0);
  const auto* history = c.src[In::kHistory].data<float>();
  visit_parameter(c.src[In::kTable].dtype(), [&]<class T>() {
    const typename R::template Step<T> rule(c.attributes);
    const auto state = copy_state<T>(c, In::kSlots, R::n_slots(c.attributes));
    auto* last_step = c.dst.back().data<int32_t>();
    auto catch_up = [&](int64_t row) {
      int64_t last = last_step[row];
      if (replay == Replay::none || last >= step - 1 || (last == 0 && replay == Replay::all))
        return;
      if (step - 1 - last > n_history && replay != Replay::last)
        fail_history(R::kName, row, last, step, n_history);
      if (replay == Replay::last) last = step - 2;
      for (int64_t s = last + 1; s < step; ++s) {
        std::array<T, kStepScalars> k;
        std::copy_n(history + (s - 1) % n_history * kStepScalars, kStepScalars, k.begin());
        for (int64_t d = 0; d < width; ++d) state.apply(rule, row * width + d, T(0), k.data());
      }
      last_step[row] = static_cast<int32_t>(step - 1);
    };
    if (c.src[In::kRows].defined()) {
      for (int32_t j = 0; j < c.src[In::kCount].data<int32_t>()[0]; ++j)
        catch_up(c.src[In::kRows].data<int32_t>()[j]);
      const RowRange turn = turn_of(step, n_history, n_rows);
      for (int64_t row = turn.begin; row < turn.end; ++row) catch_up(row);
    } else {
      for (int64_t row = 0; row < n_rows; ++row) catch_up(row);
    }
  });
}

template <class R>
void reference_record(const ReferenceContext& c) {
  using In = RecordInputs;
  c.dst[0].copy_from(c.src[In::kHistory]);
  const int64_t step = c.src[In::kStep].data<int64_t>()[0];
  const StepScalars k = R::scalars(c.attributes, c.src[In::kLearningRate].item(), step);
  std::copy(k.begin(), k.end(),
            c.dst[0].data<float>() + (step - 1) % c.dst[0].size(0) * kStepScalars);
}

}  // namespace andiron::ops
