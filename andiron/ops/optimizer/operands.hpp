#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "andiron/graph/schema.hpp"

/// Where the operands of the optimizers' ops stand; shared by their schemas and kernels.
namespace andiron::ops {

struct UpdateInputs {  // param' and slots' come out
  static constexpr size_t kParam = 0, kGrad = 1, kLearningRate = 2, kStep = 3, kSlots = 4;
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
