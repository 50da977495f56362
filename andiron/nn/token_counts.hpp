#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace andiron::nn {

/// How often tokens (std::string or int64_t) come, and in how many documents.
template <class T>
class TokenCounts {
 public:
  using View = std::conditional_t<std::is_same_v<T, std::string>, std::string_view, T>;

  struct Entry {
    int64_t times = 0, documents = 0, last_document = -1;
  };

  void add(View token, int64_t times = 1) {
    auto at = entries_.find(token);
    if (at == entries_.end()) at = entries_.emplace(T(token), Entry()).first;
    at->second.times += times;
    if (at->second.last_document == documents_) return;
    at->second.last_document = documents_;
    ++at->second.documents;
  }
  void end_document() { ++documents_; }

  int64_t documents() const { return documents_; }
  bool empty() const { return entries_.empty(); }

  /// The most frequent first; equal counts by the tokens, high to low, as in Keras.
  std::vector<std::pair<T, Entry>> sorted() const {
    std::vector<std::pair<T, Entry>> out(entries_.begin(), entries_.end());
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
      return a.second.times != b.second.times ? a.second.times > b.second.times : a.first > b.first;
    });
    return out;
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(View token) const { return std::hash<View>{}(token); }
  };
  std::unordered_map<T, Entry, Hash, std::equal_to<>> entries_;
  int64_t documents_ = 0;
};

}  // namespace andiron::nn
