#pragma once

#include <memory>
#include <vector>

#include "andiron/base/error.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Some layers and variables as one, for what is said of a layer as a whole: what a step of one's
/// own trains, with its penalties and constraints. Not to be called.
class Part final : public Layer {
 public:
  Part(std::vector<LayerPtr> layers, const std::vector<VariablePtr>& variables)
      : layers_(std::move(layers)) {
    for (const VariablePtr& v : variables) track(v->name(), v);
  }

  std::string class_name() const override { return "Part"; }
  std::vector<LayerPtr> sublayers() const override { return layers_; }

 protected:
  std::vector<Value> compute(const std::vector<Value>&, CallContext&) override {
    fail("[Part] has no outputs");
  }

 private:
  std::vector<LayerPtr> layers_;
};

}  // namespace andiron::nn
