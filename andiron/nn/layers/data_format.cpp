#include "andiron/nn/layers/data_format.hpp"

#include "andiron/base/error.hpp"
#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

void check_data_format(const char* layer, const std::string& format) {
  if (format != "channels_first" && format != "channels_last")
    fail("[{}] data_format is channels_first or channels_last; got '{}'", layer, format);
}

Value to_channels_first(const Value& x, const std::string& format) {
  if (format == "channels_first" || x.rank() < 3) return x;
  return ops::transpose(x, ops::to_channels_first(x.rank()));
}

Value from_channels_first(const Value& y, const std::string& format) {
  if (format == "channels_first" || y.rank() < 3) return y;
  return ops::transpose(y, ops::to_channels_last(y.rank()));
}

}  // namespace andiron::nn
