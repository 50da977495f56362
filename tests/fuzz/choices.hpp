#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

/// A fuzzer's bytes as choices; zeros when they are used up.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool done() const { return at_ >= size_; }
  uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
  bool flag() { return (byte() & 1) != 0; }
  bool one_in(int n) { return byte() % n == n - 1; }
  /// In [0, n); n up to 65,536.
  size_t below(size_t n) {
    const size_t low = byte();
    return (n <= 256 ? low : low | size_t{byte()} << 8) % n;
  }
  template <class T>
  const T& of(const std::vector<T>& values) {
    return values[below(values.size())];
  }
  template <class T>
  T number() {
    uint8_t bytes[sizeof(T)];
    for (uint8_t& b : bytes) b = byte();
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  /// Mostly small, now and then one of those at which arithmetic breaks.
  int64_t integer() {
    const uint8_t kind = byte();
    if (kind < 200) return static_cast<int64_t>(kind % 16) - 4;
    if (kind < 230) return number<int16_t>();
    static constexpr int64_t kEdges[] = {
        INT64_MAX, INT64_MIN, INT64_MAX - 1,   INT32_MAX,    INT32_MIN, 1LL << 31,
        1LL << 32, 1LL << 53, (1LL << 31) - 1, 3037000500LL, 1LL << 62, -(1LL << 62)};
    if (kind < 250) return kEdges[kind % std::size(kEdges)];
    return number<int64_t>();
  }
  double real() {
    const uint8_t kind = byte();
    if (kind < 200) return (static_cast<double>(kind % 32) - 8) / 4;
    static constexpr double kEdges[] = {0.0,
                                        -0.0,
                                        1e300,
                                        -1e300,
                                        1e-300,
                                        1e38,
                                        1e-45,
                                        __builtin_nan(""),
                                        __builtin_inf(),
                                        -__builtin_inf()};
    if (kind < 250) return kEdges[kind % std::size(kEdges)];
    return number<double>();
  }
  std::string text(size_t max) {
    std::string out;
    for (size_t n = below(max + 1); n > 0; --n) out += static_cast<char>(byte());
    return out;
  }

 private:
  const uint8_t* data_;
  size_t size_, at_ = 0;
};
