#pragma once

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

/// Networks of texts: a text is its 64-bit fingerprint (base/fingerprint.hpp) in an int64.
namespace andiron::nn {

class FunctionalModel;

/// The entry of a network for texts; `shape` is one sample's. Data are their fingerprints.
SymbolicTensor TextInput(Shape shape, std::string name = {});

/// Whether these are texts: of a TextInput, and moved about by layers at most.
bool is_text(const SymbolicTensor& x);
/// Which of a model's inputs are texts.
std::vector<bool> text_inputs(const FunctionalModel& model);

/// Base of layers that compute with texts.
class TakesTexts {
 public:
  virtual ~TakesTexts() = default;
  /// Told before each use in a network which inputs are texts. Throws Error for those it does not
  /// take.
  virtual void take_texts(const std::vector<bool>& texts) = 0;
};

/// Throws Error when inputs are texts and the layer neither takes them nor only moves elements.
void check_texts(Layer& layer, const std::vector<bool>& texts);

}  // namespace andiron::nn
