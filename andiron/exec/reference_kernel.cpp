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
        dst_(request.dst),
        accumulate_(request.accumulate) {}

  void run(const KernelCall& call) const override {
    std::vector<Tensor> src, dst;
    for (size_t i = 0; i < src_.size(); ++i)
      src.push_back(call.src[i] == nullptr
                        ? Tensor()
                        : over(src_[i], const_cast<void*>(call.src[i]), false).contiguous());
    for (size_t i = 0; i < dst_.size(); ++i)
      dst.push_back(in_place(i) ? over(dst_[i], call.dst[i], true)
                                : Tensor(dst_[i].dtype, dst_[i].sizes));
    op_->reference(ReferenceContext{src, dst, attributes_, call.first_row});
    for (size_t i = 0; i < dst_.size(); ++i) {
      if (in_place(i)) continue;
      Tensor memory = over(dst_[i], call.dst[i], true);
      if (adds_to(i)) add(dst[i], memory.contiguous());
      memory.copy_from(dst[i]);
    }
  }

  std::string_view name() const override { return "reference"; }

 private:
  bool adds_to(size_t i) const { return i < accumulate_.size() && accumulate_[i]; }
  bool in_place(size_t i) const { return dst_[i].dense() && !adds_to(i); }

  static Tensor over(const Operand& operand, void* memory, bool writable) {
    Sizes strides(operand.sizes.size(), 1);
    for (size_t i = strides.size(); i-- > 0;) {
      if (i + 2 == strides.size()) strides[i] = operand.row_stride;
      if (i + 2 < strides.size()) strides[i] = strides[i + 1] * operand.sizes[i + 1];
    }
    const int64_t n = operand.rows() * operand.row_stride;
    const auto n_bytes = static_cast<size_t>(n) * size_of(operand.dtype);
    return Tensor(Buffer::wrap(memory, n_bytes, nullptr, writable), operand.dtype, operand.sizes,
                  std::move(strides), 0);
  }

  static void add(Tensor& sum, const Tensor& more) {
    visit_dtype(sum.dtype(), [&]<class T>() {
      for (int64_t i = 0; i < sum.count(); ++i)
        sum.data<T>()[i] = static_cast<T>(sum.data<T>()[i] + more.data<T>()[i]);
    });
  }

  const Op* op_;
  Attributes attributes_;
  std::vector<Operand> src_, dst_;
  std::vector<bool> accumulate_;
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
