#pragma once

#include <vector>

#include "andiron/graph/schema.hpp"

/// Shared by the rooms of group_norm and its gradients, and by their kernels.
namespace andiron::ops {

/// x [N, C, ...] or [N, ..., C] seen as N images of `groups` groups of `per_group` channels with
/// `inner` places each.
struct Groups {
  int64_t images, groups, per_group, inner;
  bool last;  ///< channels are the last axis, and there are others between

  int64_t channels() const { return groups * per_group; }
  int64_t n() const { return per_group * inner; }  ///< elements of a group
  int64_t offset(int64_t image, int64_t channel, int64_t place) const {
    return last ? (image * inner + place) * channels() + channel
                : (image * channels() + channel) * inner + place;
  }
};

/// REQUIRES what the shape rules check.
Groups groups_of(const Sizes& x, const Attributes& attributes);

/// The attributes of all three.
std::vector<AttributeSpec> group_attributes();
/// Checks x and the attributes; returns the number of channels.
Dim check_groups(const InferContext& c);
/// Checks that an input that is there is [C] of x's dtype.
void check_channels(const InferContext& c, size_t input, const Dim& channels);
/// The type of a group's statistic: [N, groups].
TensorType statistic_type(const InferContext& c);

/// Values for compositions over the groups of x.
class GroupView {
 public:
  GroupView(const Value& x, const Attributes& attributes);
  Value split(const Value& v) const;        ///< of x's shape: groups get an axis of their own
  Value whole(const Value& v) const;        ///< the inverse
  Value statistic(const Value& v) const;    ///< [N, groups] to stand beside split values
  Value channels(const Value& v) const;     ///< [C] likewise
  Value sum(const Value& v) const;          ///< split values to [N, groups]
  Value channel_sum(const Value& v) const;  ///< split values to [C]
  Value count() const;                      ///< elements of a group, as a scalar

 private:
  Shape shape_, split_shape_;
  int64_t groups_, per_group_;
  bool last_;
  std::vector<int64_t> group_axes_, channel_axes_;
  Value x_;
};

/// rows when everything comes by rows but what stands at `fixed` and behind.
BatchKind batch_of_groups(std::span<const BatchKind> in, size_t fixed, BatchKind result);

Value group_norm_grad(const Value& x, const Value& mean, const Value& inverse, const Value& g,
                      const Value& scale, const Attributes& attributes);

}  // namespace andiron::ops
