#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "andiron/tensor/dtype.hpp"

namespace andiron::io {

/// What a name in a pickle stands for. There are no others.
enum class PickleGlobal : uint8_t {
  ordered_dict,
  rebuild_tensor,
  rebuild_parameter,
  size,
  storage
};

/// The numbers' types of storages. Two of them are not ours and are converted.
struct StorageType {
  std::string_view name;  ///< "HalfStorage"
  size_t n_bytes;         ///< of a number in the file
  DType dtype;            ///< what it is read as
};

/// One object of a pickle. Objects name each other by their index in the machine, so that cycles
/// need no care.
struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    list,
    dict,
    global,
    storage,
    tensor
  };
  Kind kind = Kind::none;
  PickleGlobal global = PickleGlobal::storage;
  const StorageType* type = nullptr;  ///< of a storage, and of the global that names it
  int64_t integer = 0;                ///< boolean, integer; a storage's number of elements
  double real = 0.0;
  std::string_view text;  ///< text; a storage's key; points into the file
  /// list (tuples, too): its items. dict: key, value, key, value...
  /// storage: nothing, or (offset, size) of a view. tensor: (storage, offset, sizes, strides).
  std::vector<uint32_t> items;
};

/// Runs a pickle of protocol 2 to 5 as far as state dicts need it: numbers, texts, tuples, lists,
/// dicts, OrderedDict, torch's rebuild functions and storages by persistent id. Whatever else a
/// pickle asks for is an Error that names it; nothing is imported, called or instantiated.
/// The text must outlive the machine.
class PickleMachine {
 public:
  explicit PickleMachine(std::string_view bytes) : bytes_(bytes) {}

  /// Runs to the next STOP and returns the object's index; `position` is behind it then. Throws
  /// Error. May be called again: files of the older format hold several pickles.
  uint32_t run();
  size_t position() const { return at_; }
  const PickleValue& operator[](uint32_t index) const { return values_[index]; }
  /// All storages that the pickles name.
  const std::vector<uint32_t>& storages() const { return storages_; }

 private:
  using Kind = PickleValue::Kind;

  bool step(uint8_t opcode);  // false at STOP
  bool container(uint8_t opcode);
  void memoize(uint64_t index);
  void recall(uint64_t index);
  uint64_t read(size_t n_bytes);
  int64_t read_signed(size_t n_bytes);
  std::string_view read_text(uint64_t n_bytes);
  std::string_view read_line();
  uint32_t add(PickleValue value);
  void push(PickleValue value) { stack_.push_back(add(std::move(value))); }
  void push_integer(int64_t value);
  uint32_t pop();
  PickleValue& top();
  std::vector<uint32_t> pop_to_mark();
  void push_tuple(size_t n);
  void push_global(std::string_view module, std::string_view name);
  void push_storage();
  void reduce();
  void build();
  void fill(Kind kind, const std::vector<uint32_t>& items);
  const PickleValue& item(const PickleValue& list, size_t i) const;

  std::string_view bytes_;
  size_t at_ = 0;
  std::deque<PickleValue> values_;
  std::vector<uint32_t> stack_, storages_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, uint32_t> memo_;
};

}  // namespace andiron::io
