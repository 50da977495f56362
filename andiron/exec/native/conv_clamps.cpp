#include "andiron/exec/native/conv_clamps.hpp"

#include <limits>
#include <string>

namespace andiron::exec {

void set_clamps(std::string_view activation, double low, double high, ConvEnd* end) {
  end->clamps = activation != "linear";
  end->low = activation == "clip" ? static_cast<float>(low) : 0.0F;
  end->high =
      activation == "clip" ? static_cast<float>(high) : std::numeric_limits<float>::infinity();
}

void set_clamps(const Node& node, ConvEnd* end) {
  if (node.is("fused_conv"))
    set_clamps(node.attr<std::string>("activation"), node.attr<double>("low"),
               node.attr<double>("high"), end);
}

}  // namespace andiron::exec
