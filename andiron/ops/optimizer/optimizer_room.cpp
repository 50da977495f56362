#include "andiron/ops/optimizer/optimizer_room.hpp"

#include <cmath>

#include "andiron/ops/embedding/ids.hpp"

namespace andiron::ops {

namespace {

void expect_parameter(const InferContext& c, size_t i) {
  const DType dtype = c.in(i).dtype;
  if ((dtype != DType::f32 && dtype != DType::f64) || !c.shape(i).known())
    fail("[{}] parameters must be float32 or float64 with known sizes; got {}", c.op, str(c.in(i)));
}

void expect_table(const InferContext& c) {
  expect_parameter(c, 0);
  if (c.shape(0).rank() != 2) fail("[{}] the table must be a matrix; got {}", c.op, str(c.in(0)));
}

// The slots have the parameter's type; behind them may stand last_step.
std::vector<TensorType> state_types(const InferContext& c, size_t first, int n_slots,
                                    bool may_be_exact) {
  const size_t n = c.n() - first, wanted = static_cast<size_t>(n_slots);
  if (n != wanted && !(may_be_exact && n == wanted + 1))
    fail("[{}] takes {} slots with these settings; got {}", c.op, n_slots, n);
  std::vector<TensorType> types = {c.in(0)};
  for (size_t i = first; i < c.n(); ++i) {
    const bool is_slot = i - first < wanted;
    types.push_back(is_slot ? c.in(0) : TensorType{DType::i32, {c.shape(0)[0]}});
    check_type(c, i, is_slot ? "slots" : "last_step", types.back());
  }
  return types;
}

}  // namespace

void check_settings(const InferContext& c) {
  auto check = [&](const char* name, bool (*good)(double), const char* rule) {
    if (!c.attributes.has(name)) return;
    const double value = c.attr<double>(name);
    if (!good(value)) fail("[{}] {} must be {}; got {}", c.op, name, rule, value);
  };
  auto share = [](double v) { return v >= 0.0 && v < 1.0; };
  auto at_least_zero = [](double v) { return v >= 0.0 && std::isfinite(v); };
  for (const char* name : {"beta_1", "beta_2", "rho"}) check(name, share, "in [0, 1)");
  check("momentum", [](double v) { return v >= 0.0 && v <= 1.0; }, "in [0, 1]");
  check("eta_minus", [](double v) { return v > 0.0 && v < 1.0; }, "in (0, 1)");
  check("eta_plus", [](double v) { return v > 1.0 && std::isfinite(v); }, "above 1");
  for (const char* name : {"step_min", "step_max"})
    check(name, [](double v) { return v > 0.0 && std::isfinite(v); }, "positive");
  if (c.attributes.has("step_min") && c.attr<double>("step_min") > c.attr<double>("step_max"))
    fail("[{}] step_min must not be above step_max; got {} and {}", c.op,
         c.attr<double>("step_min"), c.attr<double>("step_max"));
  check("epsilon", [](double v) { return v > 0.0 && std::isfinite(v); }, "positive");
  check(
      "learning_rate_power", [](double v) { return v <= 0.0 && std::isfinite(v); },
      "zero or negative");
  for (const char* name :
       {"weight_decay", "l1_regularization_strength", "l2_regularization_strength",
        "l2_shrinkage_regularization_strength", "beta"})
    check(name, at_least_zero, "zero or positive");
}

namespace {

Dim first_size(const InferContext& c, size_t i, const char* name) {
  if (c.shape(i).empty()) fail("[{}] {} must have an axis at least; got a scalar", c.op, name);
  return c.shape(i)[0];
}

}  // namespace

std::vector<TensorType> infer_update(const InferContext& c, int n_slots) {
  const UpdateInputs in{static_cast<size_t>(n_slots)};
  check_settings(c);
  check_type(c, in.kLearningRate, "learning_rate", {DType::f32, {}});
  check_type(c, in.kStep, "step", {DType::i64, {}});
  const size_t n = in.n_parameters(c.n());
  if (n == 0 || in.param(n) != c.n())
    fail(
        "[{}] takes parameter, gradient and {} slots for each parameter with these settings; got "
        "{} inputs",
        c.op, n_slots, c.n());
  std::vector<TensorType> types;
  for (size_t i = 0; i < n; ++i) {
    const TensorType type = c.in(in.param(i));
    expect_parameter(c, in.param(i));
    if (type.dtype != c.in(in.param(0)).dtype)
      fail("[{}] parameters must have one dtype; got {} and {}", c.op,
           name_of(c.in(in.param(0)).dtype), name_of(type.dtype));
    check_type(c, in.grad(i), "grad", type);
    for (size_t s = 0; s < in.n_slots; ++s) check_type(c, in.slot(i, s), "slots", type);
    types.insert(types.end(), 1 + in.n_slots, type);
  }
  return types;
}

std::vector<TensorType> infer_update_rows(const InferContext& c, int n_slots) {
  using In = UpdateRowsInputs;
  check_settings(c);
  expect_table(c);
  const auto& kind = c.attr<std::string>("values");
  if (kind != "positions" && kind != "unique" && kind != "table")
    fail("[{}] values must be \"positions\", \"unique\" or \"table\"; got \"{}\"", c.op, kind);
  const Dim n = first_size(c, In::kOrder, "order");
  check_type(c, In::kOrder, "order", {DType::i32, {n}});
  check_type(c, In::kRows, "rows", {DType::i32, {n}});
  check_type(c, In::kStarts, "starts", {DType::i32, {n + 1}});
  check_type(c, In::kCount, "count", {DType::i32, {1}});
  // Of the rows that occur there may be room for fewer than n.
  const Dim n_values = kind == "table"    ? c.shape(0)[0]
                       : kind == "unique" ? first_size(c, In::kValues, "values")
                                          : n;
  check_type(c, In::kValues, "values", {c.in(0).dtype, {n_values, c.shape(0)[1]}});
  check_type(c, In::kLearningRate, "learning_rate", {DType::f32, {}});
  check_type(c, In::kStep, "step", {DType::i64, {}});
  return state_types(c, In::kSlots, n_slots, true);
}

std::vector<TensorType> infer_catch_up(const InferContext& c, int n_slots) {
  using In = CatchUpInputs;
  check_settings(c);
  expect_table(c);
  if (c.inputs[In::kRows].defined() != c.inputs[In::kCount].defined())
    fail("[{}] rows and count come together or not at all", c.op);
  if (c.inputs[In::kRows].defined()) {
    check_type(c, In::kRows, "rows", {DType::i32, {first_size(c, In::kRows, "rows")}});
    check_type(c, In::kCount, "count", {DType::i32, {1}});
  }
  const Shape& history = c.shape(In::kHistory);
  if (history.rank() != 2 || history[1] != Dim(kStepScalars) || history[0] == Dim(0))
    fail("[{}] the history must be float32[h,{}]; got {}", c.op, kStepScalars,
         str(c.in(In::kHistory)));
  check_type(c, In::kHistory, "history", {DType::f32, history});
  check_type(c, In::kStep, "step", {DType::i64, {}});
  if (c.n() != In::kSlots + static_cast<size_t>(n_slots) + 1)
    fail("[{}] takes {} slots and last_step with these settings; got {} inputs", c.op, n_slots,
         c.n());
  return state_types(c, In::kSlots, n_slots, true);
}

std::vector<TensorType> infer_record(const InferContext& c) {
  using In = RecordInputs;
  const Shape& history = c.shape(In::kHistory);
  if (c.in(0).dtype != DType::f32 || history.rank() != 2 || history[1] != Dim(kStepScalars))
    fail("[{}] the history must be float32[h,{}]; got {}", c.op, kStepScalars, str(c.in(0)));
  check_type(c, In::kLearningRate, "learning_rate", {DType::f32, {}});
  check_type(c, In::kStep, "step", {DType::i64, {}});
  return {c.in(0)};
}

std::vector<InputSpec> update_inputs() {
  return {{"learning_rate", "float32 scalar"},
          {"step", "int64 scalar, from 1"},
          {"group",
           "for each parameter: it (any shape, float32 or float64, one dtype in a group), "
           "its gradient, and as many slots as the settings need, of its type",
           false, true}};
}

std::vector<InputSpec> update_rows_inputs() {
  return {{"table", "[v, d], float32 or float64"},
          {"order", "[n], from dedup"},
          {"rows", "[n], from dedup"},
          {"starts", "[n + 1], from dedup"},
          {"count", "[1], from dedup"},
          {"values", "gradients: [n, d], [v, d] where values=\"table\", [any, d] where \"unique\""},
          {"learning_rate", "float32 scalar"},
          {"step", "int64 scalar, from 1"},
          {"slots", "as table; then, for exact rows, last_step [v] int32", false, true}};
}

std::vector<InputSpec> catch_up_inputs() {
  return {{"table", "[v, d], float32 or float64"},
          {"rows", "[n], from dedup; all rows when left out", true},
          {"count", "[1], from dedup", true},
          {"history", "[h, 4]: the scalars of the last h steps, step s in row (s - 1) mod h"},
          {"step", "int64 scalar: steps before this one are replayed"},
          {"slots", "as table; then last_step [v] int32", false, true}};
}

std::vector<InputSpec> record_inputs() {
  return {
      {"history", "[h, 4]"}, {"learning_rate", "float32 scalar"}, {"step", "int64 scalar, from 1"}};
}

std::vector<std::string> update_case(int n_slots) {
  std::vector<std::string> inputs = {"f32[]@0.001:0.1", "i64[]@1:50"};
  for (const char* type : {"f32[5,37]", "f32[3]", "f32[0]", "f32[2,3,4]"}) {
    inputs.insert(inputs.end(), {type, type});
    for (int i = 0; i < n_slots; ++i) inputs.push_back(std::string(type) + "@0.1:1");
  }
  return inputs;
}

void fail_history(std::string_view optimizer, int64_t row, int64_t last_step, int64_t step,
                  int64_t n_history) {
  fail(
      "[{}_catch_up] row {} was last brought up to date at step {} and now it is step {}, but the "
      "history holds {} steps; call the optimizer's catch_up before steps are skipped",
      optimizer, row, last_step, step, n_history);
}

}  // namespace andiron::ops
