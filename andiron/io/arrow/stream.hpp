#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/io/arrow/abi.hpp"
#include "andiron/io/arrow/array.hpp"
#include "andiron/io/arrow/type.hpp"

namespace andiron::io::arrow {

/// An ABI struct that is released at the end of its life, exactly once.
template <class T>
class Owned {
 public:
  Owned() = default;
  /// Moves: the source is released (in the interface's sense) afterwards.
  explicit Owned(T& from) : value_(from) { from.release = nullptr; }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { reset(); }
  void reset() {
    if (value_.release != nullptr) value_.release(&value_);
    value_.release = nullptr;
  }
  T* get() { return &value_; }
  T* operator->() { return &value_; }
  bool held() const { return value_.release != nullptr; }

 private:
  T value_{};
};

/// Rows of some columns. Each column keeps its own memory alive, and nothing of the others.
struct Batch {
  int64_t rows = 0;
  std::vector<Array> columns;
  std::shared_ptr<const Type> schema;  ///< what the columns' types are part of
};

/// A producer's stream of record batches. Takes over what it is given (the source's `release` is
/// null afterwards) and calls every release exactly once, whatever happens in between.
/// Thread safety: one thread at a time.
class Stream {
 public:
  /// Throws Error when the schema is not that of record batches.
  explicit Stream(ArrowArrayStream* source);
  /// One batch as a stream.
  Stream(ArrowSchema* schema, ArrowArray* array);

  /// A structure whose children are the columns.
  const Type& schema() const { return *schema_; }
  /// Where the column of this name is. Throws Error with the names that there are, and when two
  /// columns have the name.
  size_t find(const std::string& name) const;

  /// The next batch with these columns (each at most once); none at the end. The producer's
  /// failures come back; arrays that break the rules throw Error.
  Result<std::optional<Batch>> next(const std::vector<size_t>& columns);

 private:
  void read_schema(const ArrowSchema& schema);
  Batch batch_from(ArrowArray& array, const std::vector<size_t>& columns) const;

  Owned<ArrowArrayStream> source_;
  Owned<ArrowArray> single_;  // the one batch
  std::shared_ptr<const Type> schema_;
};

}  // namespace andiron::io::arrow
