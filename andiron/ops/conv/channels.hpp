#pragma once

#include "andiron/graph/schema.hpp"

/// Where the channels of x stand: [N, C, spatial...], or [N, spatial..., C] in ops with the
/// attribute `channels_last`, which the layout pass sets (docs/architecture.md, "Layouts").
namespace andiron::ops {

inline AttributeSpec channels_last_attribute() {
  return {"channels_last", false, "whether the channels are the last axis of x instead of axis 1"};
}

/// [N, spatial..., C] as [N, C, spatial...] and back.
Shape channels_first(Shape shape, bool channels_last = true);
Shape channels_last(Shape shape, bool channels_last = true);
/// A view of t, whose channels are the last axis, with axes [N, C, spatial...].
Tensor channels_first_view(const Tensor& t, bool channels_last = true);
/// The axes of transposes from [N, C, spatial...] to [N, spatial..., C] and back.
std::vector<int64_t> to_channels_last(int64_t rank);
std::vector<int64_t> to_channels_first(int64_t rank);

}  // namespace andiron::ops
