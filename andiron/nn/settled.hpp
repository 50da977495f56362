#pragma once

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Base of layers with settings that are constants of a trace (a vocabulary): once a network with
/// the layer has been traced to run, they must not change.
class Settles {
 public:
  virtual ~Settles() = default;
  /// Throws Error when there is nothing to run with yet.
  virtual void settle() = 0;
};

/// Tells a layer and those inside.
inline void settle_all(Layer& layer) {
  if (auto* settles = dynamic_cast<Settles*>(&layer)) settles->settle();
  for (const LayerPtr& inside : layer.sublayers()) settle_all(*inside);
}

}  // namespace andiron::nn
