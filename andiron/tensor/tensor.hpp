#pragma once

#include <functional>
#include <memory>
#include <string>

#include "andiron/tensor/dtype.hpp"
#include "andiron/tensor/shape.hpp"

namespace andiron {

inline constexpr size_t kAlignment = 64;

/// A block of bytes, 64-byte aligned when we allocate it; or somebody else's memory with the
/// function that releases it (a NumPy array, a mapped file).
class Buffer {
 public:
  /// Uninitialised. Throws Error when the memory cannot be had.
  static std::shared_ptr<Buffer> allocate(size_t n_bytes);
  static std::shared_ptr<Buffer> wrap(void* data, size_t n_bytes, std::function<void()> release,
                                      bool writable = true);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() const { return data_; }
  size_t n_bytes() const { return n_bytes_; }
  bool writable() const { return writable_; }

 private:
  Buffer() = default;
  std::byte* data_ = nullptr;
  size_t n_bytes_ = 0;
  bool writable_ = true;
  std::function<void()> release_;
};

/// A strided view of a buffer. Copying a Tensor shares the memory; `clone` copies it.
/// Thread safety: concurrent reads are safe; a writer needs exclusive access.
class Tensor {
 public:
  Tensor() = default;
  /// Dense and uninitialised. Throws Error on negative or absurd sizes.
  Tensor(DType dtype, Sizes sizes);
  Tensor(std::shared_ptr<Buffer> buffer, DType dtype, Sizes sizes, Sizes strides,
         int64_t byte_offset);

  static Tensor zeros(DType dtype, Sizes sizes);
  static Tensor full(DType dtype, Sizes sizes, double value);
  template <class T>
  static Tensor from(const std::vector<T>& values, Sizes sizes);
  static Tensor scalar(double value, DType dtype = DType::f32) { return full(dtype, {}, value); }

  bool defined() const { return buffer_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Sizes& sizes() const { return sizes_; }
  const Sizes& strides() const { return strides_; }  ///< in elements
  int64_t rank() const { return static_cast<int64_t>(sizes_.size()); }
  int64_t size(int64_t axis) const { return sizes_[static_cast<size_t>(axis)]; }
  int64_t count() const { return count_; }
  size_t n_bytes() const { return static_cast<size_t>(count_) * size_of(dtype_); }
  bool dense() const;
  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }
  int64_t byte_offset() const { return byte_offset_; }

  void* raw() const { return buffer_->data() + byte_offset_; }
  template <class T>
  T* data() const {
    return static_cast<T*>(raw());
  }

  /// Row-major copy when strided, the same tensor otherwise.
  Tensor contiguous() const;
  Tensor clone() const;
  /// Copies values from `src` (same shape; dtypes may differ, converted as a C cast).
  void copy_from(const Tensor& src);
  Tensor cast(DType dtype) const;
  /// A view; REQUIRES a dense tensor and the same count.
  Tensor reshape(Sizes sizes) const;
  /// A view of rows [begin, end) along axis 0.
  Tensor rows(int64_t begin, int64_t end) const;
  /// The element at flat (row-major) index i as a double; for tests, messages and scalars.
  double item(int64_t i = 0) const;

 private:
  std::shared_ptr<Buffer> buffer_;
  DType dtype_ = DType::f32;
  Sizes sizes_, strides_;
  int64_t byte_offset_ = 0, count_ = 0;
};

template <class T>
Tensor Tensor::from(const std::vector<T>& values, Sizes sizes) {
  Tensor t(dtype_of<T>, std::move(sizes));
  for (int64_t i = 0; i < t.count() && i < static_cast<int64_t>(values.size()); ++i)
    t.data<T>()[i] = values[static_cast<size_t>(i)];
  return t;
}

}  // namespace andiron
