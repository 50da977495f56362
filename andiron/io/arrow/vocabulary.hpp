#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/io/arrow/array.hpp"

namespace andiron::io::arrow {

/// Texts as ids. With an entry for unknown texts, id 0 is theirs and the known ones count from 1;
/// without, they count from 0 and an unknown text is an error where it is looked up.
/// Immutable, so safe to share between threads.
class Vocabulary {
 public:
  static constexpr int32_t kNone = -1;

  /// Throws Error when an entry comes twice.
  explicit Vocabulary(std::vector<std::string> entries, bool unknown = true);

  /// kNone when there is neither the text nor an entry for unknown ones.
  int32_t id(std::string_view text) const;
  /// The number of ids, the unknown one included: rows of an embedding table.
  int64_t size() const { return static_cast<int64_t>(entries_.size()) + (unknown_ ? 1 : 0); }
  bool has_unknown() const { return unknown_; }
  const std::vector<std::string>& entries() const { return entries_; }

  /// As JSON: {"format": "andiron vocabulary", "version": 1, "unknown": ..., "entries": [...]}.
  std::string json() const;
  /// Throws Error when it is not that.
  static Vocabulary from_json(const std::string& text);
  Result<> save(const std::string& path) const;
  static Result<Vocabulary> load(const std::string& path);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  std::vector<std::string> entries_;
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
  bool unknown_;

  friend class VocabularyBuilder;
};

/// Counts the texts of a column over a stream.
class VocabularyBuilder {
 public:
  /// Texts, or a dictionary of texts. Nulls are left out. Throws Error naming the column when it
  /// has no texts, or one that is not UTF-8.
  void add(const Array& column);
  /// The most frequent `max_size` texts (0: all) that came at least `min_count` times; equal counts
  /// in the order of their bytes, so that the order of the rows does not matter.
  Vocabulary build(int64_t max_size = 0, int64_t min_count = 1, bool unknown = true) const;

 private:
  void count(std::string_view text, int64_t times, const std::string& column);
  std::unordered_map<std::string, int64_t, Vocabulary::Hash, std::equal_to<>> counts_;
};

}  // namespace andiron::io::arrow
