#include "andiron/exec/reference_kernel.hpp"

#include "andiron/base/error.hpp"

namespace andiron::exec {

namespace {

class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(const KernelRequest& request)
      : op_(request.node.op),
        attributes_(request.node.attributes),
        src_(request.src),
        dst_(request.dst) {}

  void run(const KernelCall& call) const override {
    std::vector<Tensor> src, dst;
    for (size_t i = 0; i < src_.size(); ++i)
      src.push_back(call.src[i] == nullptr ? Tensor()
                                           : over(src_[i], const_cast<void*>(call.src[i]), false));
    for (size_t i = 0; i < dst_.size(); ++i) dst.push_back(over(dst_[i], call.dst[i], true));
    op_->reference(ReferenceContext{src, dst, attributes_, call.first_row});
  }

  std::string_view name() const override { return "reference"; }

 private:
  static Tensor over(const Operand& operand, void* memory, bool writable) {
    const auto n_bytes = static_cast<size_t>(operand.count()) * size_of(operand.dtype);
    return Tensor(Buffer::wrap(memory, n_bytes, nullptr, writable), operand.dtype, operand.sizes,
                  dense_strides(operand.sizes), 0);
  }

  const Op* op_;
  Attributes attributes_;
  std::vector<Operand> src_, dst_;
};

}  // namespace

std::unique_ptr<Kernel> make_reference(const KernelRequest& request) {
  const Op& op = *request.node.op;
  if (op.reference == nullptr) {
    std::string types;
    for (const TensorType& type : request.node.outputs) types.append(" ").append(str(type));
    fail("[{}] there is no kernel that produces{}", op.name, types);
  }
  return std::make_unique<ReferenceKernel>(request);
}

}  // namespace andiron::exec
