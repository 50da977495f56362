#pragma once

#include <string>

#include "andiron/graph/value.hpp"

/// Layers of images compute on [batch, channels, spatial...]. With data_format "channels_last" they
/// take and give [batch, spatial..., channels]; the transposes between such layers cancel.
namespace andiron::nn {

/// Throws Error naming the layer unless it is "channels_first" or "channels_last".
void check_data_format(const char* layer, const std::string& format);
Value to_channels_first(const Value& x, const std::string& format);
Value from_channels_first(const Value& y, const std::string& format);

}  // namespace andiron::nn
