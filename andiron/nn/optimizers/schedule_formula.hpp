#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "andiron/nn/optimizers/schedule.hpp"

namespace andiron::nn {

/// A schedule that is its arguments and a formula over the number of finished steps.
SchedulePtr make_schedule(const char* name, nlohmann::json config,
                          std::function<double(int64_t)> formula);
/// Throws Error unless the value is positive and finite.
double positive_argument(const char* schedule, const char* argument, double value);

}  // namespace andiron::nn
