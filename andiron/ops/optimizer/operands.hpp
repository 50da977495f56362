#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "andiron/graph/schema.hpp"

/// Where the operands of the optimizers' ops stand; shared by their schemas and kernels.
namespace andiron::ops {

/// After the two scalars, for each parameter of the group: param, grad, slots. For each, param' and
/// slots' come out.
struct UpdateInputs {
  static constexpr size_t kLearningRate = 0, kStep = 1, kFirst = 2;
  size_t n_slots;

  size_t n_parameters(size_t n_inputs) const { return (n_inputs - kFirst) / (2 + n_slots); }
  size_t param(size_t i) const { return kFirst + i * (2 + n_slots); }
  size_t grad(size_t i) const { return param(i) + 1; }
  size_t slot(size_t i, size_t s) const { return param(i) + 2 + s; }
  /// The outputs of parameter i: param', then slots'.
  size_t out(size_t i) const { return i * (1 + n_slots); }
  /// The input whose memory an output may take.
  size_t source_of(size_t output) const {
    const size_t i = output / (1 + n_slots), k = output % (1 + n_slots);
    return k == 0 ? param(i) : slot(i, k - 1);
  }
};
struct UpdateRowsInputs {  // table', slots' and last_step' come out
  static constexpr size_t kTable = 0, kOrder = 1, kRows = 2, kStarts = 3, kCount = 4, kValues = 5,
                          kLearningRate = 6, kStep = 7, kSlots = 8;
};
struct CatchUpInputs {  // table', slots' and last_step' come out
  static constexpr size_t kTable = 0, kRows = 1, kCount = 2, kHistory = 3, kStep = 4, kSlots = 5;
};
struct RecordInputs {
  static constexpr size_t kHistory = 0, kLearningRate = 1, kStep = 2;
};

enum class ValuesBy { position, unique, table };
inline ValuesBy values_by(const Attributes& a) {
  const auto& kind = a.get<std::string>("values");
  if (kind == "positions") return ValuesBy::position;
  return kind == "unique" ? ValuesBy::unique : ValuesBy::table;
}

/// The rows that step `step` brings up to date besides those it reads: each row's turn comes once
/// in `n_history` steps, so that the history always reaches back to its last turn.
struct RowRange {
  int64_t begin, end;
};
inline RowRange turn_of(int64_t step, int64_t n_history, int64_t n_rows) {
  const int64_t turn = (step - 1) % n_history;
  return {turn * n_rows / n_history, (turn + 1) * n_rows / n_history};
}

}  // namespace andiron::ops
