#include "andiron/exec/native/matvec.hpp"

#include "andiron/exec/crew.hpp"
#include "andiron/exec/native/matvec_table.hpp"
#include "andiron/exec/native/parallel.hpp"

namespace andiron::exec {

namespace {

// Below this many elements of the matrix one thread is faster.
constexpr int64_t kParallelElements = 64 * 1024;
constexpr int64_t kGrain = 64;
// Into how many shares a crew divides the work.
constexpr int kShares = 4;

const float* floats(const void* data) { return static_cast<const float*>(data); }

enum class Form { dot_rows, add_rows, outer };

// Which of the operands is the matrix, and what is done with it.
struct Product {
  Form form;
  size_t matrix = 0, vector = 1;  // operands
  bool bias_per_sum = false;      // the bias has one element for each sum, not one for all
};

class Matvec final : public Kernel {
 public:
  Matvec(const KernelRequest& r, const Product& product, bool has_bias, bool relu)
      : product_(product),
        matrix_(r.src[product.matrix]),
        vector_(r.src[product.vector]),
        dst_(r.dst[0]),
        has_bias_(has_bias),
        relu_(relu),
        add_(r.adds_to(0)),
        threads_(work() < kParallelElements ? 1 : r.threads),
        crew_(r.helpers > 0 && threads_ == 1 && work() >= kParallelElements ? &Crew::main()
                                                                           : nullptr) {}

  void run(const KernelCall& call) const override {
    auto* dst = static_cast<float*>(call.dst[0]);
    const float* m = floats(call.src[product_.matrix]);
    const float* v = floats(call.src[product_.vector]);
    const SumEnd all{has_bias_ ? floats(call.src[2]) : nullptr, product_.bias_per_sum ? 1 : 0,
                     relu_, add_};
    const int64_t n = product_.form == Form::add_rows ? matrix_.cols() : dst_.rows();
    const auto some = [&](int part, int parts) {
      const Range range = part_of(product_.form == Form::dot_rows ? matrix_.rows() : n, part,
                                  parts, kGrain);
      const int64_t count = range.end - range.begin;
      if (count <= 0) return;
      SumEnd end = all;
      if (end.bias != nullptr) end.bias += range.begin * end.bias_stride;
      switch (product_.form) {
        case Form::dot_rows:
          table_.dot_rows({m + range.begin * matrix_.row_stride, count, matrix_.cols(),
                           matrix_.row_stride},
                          v, dst + range.begin * dst_stride(), dst_stride(), end);
          break;
        case Form::add_rows:
          table_.add_rows({m + range.begin, matrix_.rows(), count, matrix_.row_stride}, v,
                          dst + range.begin, end);
          break;
        case Form::outer:
          table_.outer(m + range.begin * a_stride(), a_stride(), count, v, dst_.cols(),
                       dst + range.begin * dst_.row_stride, dst_.row_stride, add_);
          break;
      }
    };
    if (crew_ == nullptr) {
      parallel(threads_, some);
    } else {
      crew_->run(kShares, [&](int part) { some(part, kShares); });
    }
  }
  std::string_view name() const override { return "matrix-vector"; }

 private:
  // How far apart the elements of the result lie.
  int64_t dst_stride() const { return dst_.cols() == 1 ? dst_.row_stride : 1; }
  int64_t a_stride() const { return matrix_.cols() == 1 ? matrix_.row_stride : 1; }
  int64_t work() const {
    return product_.form == Form::outer ? dst_.count() : matrix_.count();
  }

  Product product_;
  Operand matrix_, vector_, dst_;
  bool has_bias_, relu_, add_;
  const MatvecTable& table_ = matvec_table();
  int threads_;
  Crew* crew_;
};

// The elements of a vector, one behind the other.
bool packed(const Operand& o) { return o.rows() <= 1 || (o.cols() == 1 && o.row_stride == 1); }

std::unique_ptr<Kernel> make(const KernelRequest& r, bool has_bias, bool relu) {
  const Operand &a = r.src[0], &b = r.src[1], &dst = r.dst[0];
  if (a.dtype != DType::f32 || b.dtype != DType::f32 || dst.dtype != DType::f32) return nullptr;
  if (a.sizes.size() != 2 || b.sizes.size() != 2) return nullptr;
  if (a.count() == 0 || b.count() == 0) return nullptr;
  const bool ta = r.node.attr<bool>("transpose_a"), tb = r.node.attr<bool>("transpose_b");
  const int64_t depth = a.sizes[ta ? 0 : 1];
  Product product{};
  if (dst.sizes[1] == 1) {
    if (!packed(b)) return nullptr;
    product = {ta ? Form::add_rows : Form::dot_rows, 0, 1, false};
    if (ta && !packed(dst)) return nullptr;
  } else if (dst.sizes[0] == 1) {
    if (!packed(a)) return nullptr;
    product = {tb ? Form::dot_rows : Form::add_rows, 1, 0, true};
  } else if (depth == 1) {
    if (has_bias || relu || !packed(b)) return nullptr;
    product = {Form::outer, 0, 1, false};
  } else {
    return nullptr;
  }
  return std::make_unique<Matvec>(r, product, has_bias, relu);
}

}  // namespace

std::unique_ptr<Kernel> make_matvec(const KernelRequest& r) { return make(r, false, false); }

std::unique_ptr<Kernel> make_fused_matvec(const KernelRequest& r) {
  const auto& activation = r.node.attr<std::string>("activation");
  if (activation != "linear" && activation != "relu") return nullptr;
  return make(r, r.src.size() > 2, activation == "relu");
}

}  // namespace andiron::exec
