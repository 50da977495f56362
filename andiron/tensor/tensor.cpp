#include "andiron/tensor/tensor.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/tensor/allocated_bytes.hpp"
#include "andiron/tensor/allocation_fault.hpp"

namespace andiron {

namespace {

// How many more allocations succeed; negative: no fault is to come.
std::atomic<int64_t> until_fault = -1;
std::atomic<bool> fault_happened = false, fault_lasts = false;

std::atomic<int64_t> living_bytes = 0;

bool fails_now() {
  if (until_fault.load(std::memory_order_relaxed) >= 0 && until_fault.fetch_sub(1) == 0)
    fault_happened = true;
  else if (!fault_lasts.load(std::memory_order_relaxed) || !fault_happened)
    return false;
  return true;
}

}  // namespace

AllocationFault::AllocationFault(int64_t n, bool lasting) {
  fault_happened = false;
  fault_lasts = lasting;
  until_fault = n;
}

AllocationFault::~AllocationFault() {
  until_fault = -1;
  fault_lasts = false;
}

bool AllocationFault::happened() const { return fault_happened; }

int64_t allocated_bytes() { return living_bytes.load(std::memory_order_relaxed); }

namespace {

// Large buffers ask for pages of 2 MB where the system gives them to who asks ("madvise", the usual
// setting): a five-hundredth of the page faults, and look-ups all over a table find its pages in
// the processor's lists. As NumPy does from 4 MB on.
void ask_for_huge_pages(std::byte* data, size_t n_bytes) {
  constexpr size_t kLarge = size_t{4} << 20, kPage = 4096;
  if (n_bytes < kLarge) return;
  // Whole pages, beyond both ends: it is a hint, and what lies there stays one mapping with us.
  const size_t before = reinterpret_cast<uintptr_t>(data) % kPage;
  madvise(data - before, (before + n_bytes + kPage - 1) / kPage * kPage, MADV_HUGEPAGE);
}

}  // namespace

std::shared_ptr<Buffer> Buffer::allocate(size_t n_bytes) {
  std::shared_ptr<Buffer> b(new Buffer);
  const size_t rounded = (std::max<size_t>(n_bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  if (!fails_now()) b->data_ = static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
  if (b->data_ == nullptr) fail("out of memory: {} bytes could not be allocated", n_bytes);
  ask_for_huge_pages(b->data_, rounded);
  b->n_bytes_ = n_bytes;
  living_bytes.fetch_add(static_cast<int64_t>(n_bytes), std::memory_order_relaxed);
  return b;
}

std::shared_ptr<Buffer> Buffer::wrap(void* data, size_t n_bytes, std::function<void()> release,
                                     bool writable) {
  std::shared_ptr<Buffer> b(new Buffer);
  b->data_ = static_cast<std::byte*>(data);
  b->n_bytes_ = n_bytes;
  b->writable_ = writable;
  b->release_ = release ? std::move(release) : [] {};
  return b;
}

Buffer::~Buffer() {
  if (release_) {
    release_();
  } else if (data_ != nullptr) {
    living_bytes.fetch_sub(static_cast<int64_t>(n_bytes_), std::memory_order_relaxed);
    std::free(data_);
  }
}

namespace {

int64_t checked_count(DType dtype, const Sizes& sizes) {
  int64_t n = 1;
  auto bytes = static_cast<int64_t>(size_of(dtype));  // and strides, whichever sizes are 0
  for (int64_t s : sizes) {
    if (s < 0) fail("[tensor] sizes must not be negative; got {}", str(sizes));
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(s, 1), &bytes))
      fail("[tensor] {} has too many elements", str(sizes));
    n *= s;
  }
  return n;
}

}  // namespace

Tensor::Tensor(DType dtype, Sizes sizes) : dtype_(dtype), sizes_(std::move(sizes)) {
  count_ = checked_count(dtype_, sizes_);
  strides_ = dense_strides(sizes_);
  buffer_ = Buffer::allocate(n_bytes());
}

Tensor::Tensor(std::shared_ptr<Buffer> buffer, DType dtype, Sizes sizes, Sizes strides,
               int64_t byte_offset)
    : buffer_(std::move(buffer)),
      dtype_(dtype),
      sizes_(std::move(sizes)),
      strides_(std::move(strides)),
      byte_offset_(byte_offset) {
  count_ = checked_count(dtype_, sizes_);
}

Tensor Tensor::zeros(DType dtype, Sizes sizes) {
  Tensor t(dtype, std::move(sizes));
  std::memset(t.raw(), 0, t.n_bytes());
  return t;
}

Tensor Tensor::full(DType dtype, Sizes sizes, double value) {
  Tensor t(dtype, std::move(sizes));
  visit_dtype(dtype,
              [&]<class T>() { std::fill_n(t.data<T>(), t.count(), static_cast<T>(value)); });
  return t;
}

bool Tensor::dense() const {
  if (count_ == 0) return true;
  int64_t step = 1;
  for (size_t i = sizes_.size(); i-- > 0;) {
    if (sizes_[i] != 1 && strides_[i] != step) return false;
    step *= sizes_[i];
  }
  return true;
}

namespace {

// Visits the elements of two equally shaped views in row-major order of their indices.
template <class D, class S>
void copy_strided(D* dst, const Sizes& dst_strides, const S* src, const Sizes& src_strides,
                  const Sizes& sizes, size_t axis) {
  if (axis == sizes.size()) {
    *dst = static_cast<D>(*src);
    return;
  }
  for (int64_t i = 0; i < sizes[axis]; ++i)
    copy_strided(dst + i * dst_strides[axis], dst_strides, src + i * src_strides[axis], src_strides,
                 sizes, axis + 1);
}

}  // namespace

void Tensor::copy_from(const Tensor& src) {
  if (sizes_ != src.sizes_) fail("[copy] shapes differ: {} from {}", str(sizes_), str(src.sizes_));
  if (dtype_ == src.dtype_ && dense() && src.dense()) {
    if (count_ > 0) std::memmove(raw(), src.raw(), n_bytes());
    return;
  }
  if (count_ == 0) return;
  visit_dtype(dtype_, [&]<class D>() {
    visit_dtype(src.dtype_, [&]<class S>() {
      if (dense() && src.dense()) {
        for (int64_t i = 0; i < count_; ++i) data<D>()[i] = static_cast<D>(src.data<S>()[i]);
      } else {
        copy_strided(data<D>(), strides_, src.data<S>(), src.strides_, sizes_, 0);
      }
    });
  });
}

Tensor Tensor::contiguous() const { return dense() ? *this : clone(); }

Tensor Tensor::clone() const {
  Tensor t(dtype_, sizes_);
  t.copy_from(*this);
  return t;
}

Tensor Tensor::cast(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t(dtype, sizes_);
  t.copy_from(*this);
  return t;
}

Tensor Tensor::reshape(Sizes sizes) const {
  ANDIRON_ASSERT(dense() && count_of(sizes) == count_);
  Sizes strides = dense_strides(sizes);
  return Tensor(buffer_, dtype_, std::move(sizes), std::move(strides), byte_offset_);
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  ANDIRON_ASSERT(rank() > 0 && 0 <= begin && begin <= end && end <= sizes_[0]);
  Sizes sizes = sizes_;
  sizes[0] = end - begin;
  return Tensor(buffer_, dtype_, std::move(sizes), strides_,
                byte_offset_ + begin * strides_[0] * static_cast<int64_t>(size_of(dtype_)));
}

double Tensor::item(int64_t i) const {
  ANDIRON_ASSERT(0 <= i && i < count_);
  int64_t offset = 0;
  for (size_t axis = sizes_.size(); axis-- > 0;) {
    offset += (i % sizes_[axis]) * strides_[axis];
    i /= sizes_[axis];
  }
  return visit_dtype(dtype_, [&]<class T>() { return static_cast<double>(data<T>()[offset]); });
}

}  // namespace andiron
