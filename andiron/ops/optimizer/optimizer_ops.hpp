#pragma once

#include <string_view>
#include <vector>

#include "andiron/graph/schema.hpp"
#include "andiron/graph/value.hpp"
#include "andiron/ops/embedding/row_sparse.hpp"

/// The ops of optimizers, by the optimizer's name ("adam"). nn/optimizers/ calls them.
namespace andiron::ops {

/// What an optimizer keeps for a parameter, as it goes into and comes out of its ops.
struct OptimizerState {
  Value parameter;
  std::vector<Value> slots;
  Value last_step;  ///< [v] int32, exact rows only: the step up to which each row is done; 0: none
};

/// A group of parameters with their slots after one step, as one node; `step` counts from 1.
std::vector<OptimizerState> optimizer_update(std::string_view optimizer, const Attributes& settings,
                                             const std::vector<OptimizerState>& states,
                                             const std::vector<Value>& grads,
                                             const Value& learning_rate, const Value& step);

/// The same for the rows that occur. `values` says how they are found: "positions": [n, d], summed
/// here; "unique": row j belongs to the j-th row that occurs; "table": row r belongs to row r.
OptimizerState optimizer_update_rows(std::string_view optimizer, const Attributes& settings,
                                     const OptimizerState& state, const Dedup& rows,
                                     const Value& values, const Value& learning_rate,
                                     const Value& step, std::string_view kind = "positions");

/// Replays what steps before `step` with gradient zero do to the rows that occur (all rows without
/// `rows`), and to a slice of the table, so that every row is done within the history's length.
OptimizerState optimizer_catch_up(std::string_view optimizer, const Attributes& settings,
                                  const OptimizerState& state, const Dedup* rows,
                                  const Value& history, const Value& step);

/// history [h, 4] with this step's scalars in row (step - 1) mod h.
Value optimizer_record(std::string_view optimizer, const Attributes& settings, const Value& history,
                       const Value& learning_rate, const Value& step);

/// Throws Error, naming `c.op`, unless the settings of any optimizer make sense.
void check_settings(const InferContext& c);

/// The number of slots, and whether rows must be replayed.
int n_slots_of(std::string_view optimizer, const Attributes& settings);
enum class Replay;
Replay replay_of(std::string_view optimizer, const Attributes& settings);

}  // namespace andiron::ops
