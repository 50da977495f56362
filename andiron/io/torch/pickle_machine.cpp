#include "andiron/io/torch/pickle_machine.hpp"

#include <algorithm>
#include <bit>
#include <optional>

#include "andiron/base/error.hpp"

namespace andiron::io {

namespace {

// A state dict has about twenty objects for each tensor.
constexpr size_t kMaxValues = 4'000'000;

// Opcodes, as in Python's pickletools.
enum Opcode : uint8_t {
  kMark = '(', kStop = '.', kPop = '0', kBinFloat = 'G', kBinInt = 'J', kBinInt1 = 'K',
  kBinInt2 = 'M', kNone = 'N', kBinPersId = 'Q', kReduce = 'R', kBinString = 'T',
  kShortBinString = 'U', kBinUnicode = 'X', kAppend = 'a', kBuild = 'b', kGlobal = 'c',
  kAppends = 'e', kBinGet = 'h', kLongBinGet = 'j', kEmptyList = ']', kBinPut = 'q',
  kLongBinPut = 'r', kSetItem = 's', kTuple = 't', kEmptyTuple = ')', kSetItems = 'u',
  kEmptyDict = '}', kProto = 0x80, kTuple1 = 0x85, kTuple2 = 0x86, kTuple3 = 0x87,
  kNewTrue = 0x88, kNewFalse = 0x89, kLong1 = 0x8a, kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d, kStackGlobal = 0x93, kMemoize = 0x94, kFrame = 0x95
};

// Those that we do not run but know by name.
struct Refused {
  uint8_t opcode;
  const char* name;
};
constexpr Refused kRefused[] = {
    {'1', "POP_MARK"}, {'2', "DUP"}, {'F', "FLOAT"}, {'I', "INT"}, {'L', "LONG"}, {'P', "PERSID"},
    {'S', "STRING"}, {'V', "UNICODE"}, {'d', "DICT"}, {'g', "GET"}, {'i', "INST"}, {'l', "LIST"},
    {'o', "OBJ"}, {'p', "PUT"}, {0x81, "NEWOBJ"}, {0x82, "EXT1"}, {0x83, "EXT2"}, {0x84, "EXT4"},
    {0x8b, "LONG4"}, {0x8e, "BINBYTES8"}, {0x8f, "EMPTY_SET"}, {0x90, "ADDITEMS"},
    {0x91, "FROZENSET"}, {0x92, "NEWOBJ_EX"}, {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"},
    {0x98, "READONLY_BUFFER"}, {'B', "BINBYTES"}, {'C', "SHORT_BINBYTES"}};

constexpr StorageType kStorages[] = {
    {"FloatStorage", 4, DType::f32},  {"DoubleStorage", 8, DType::f64},
    {"HalfStorage", 2, DType::f32},   {"BFloat16Storage", 2, DType::bf16},
    {"LongStorage", 8, DType::i64},   {"IntStorage", 4, DType::i32},
    {"ShortStorage", 2, DType::i32},  {"CharStorage", 1, DType::i8},
    {"ByteStorage", 1, DType::u8},    {"BoolStorage", 1, DType::boolean}};

struct Known {
  std::string_view module, name;
  PickleGlobal global;
};
constexpr Known kKnown[] = {
    {"collections", "OrderedDict", PickleGlobal::ordered_dict},
    {"torch._utils", "_rebuild_tensor", PickleGlobal::rebuild_tensor},
    {"torch._utils", "_rebuild_tensor_v2", PickleGlobal::rebuild_tensor},
    {"torch._utils", "_rebuild_parameter", PickleGlobal::rebuild_parameter},
    {"torch._utils", "_rebuild_parameter_with_state", PickleGlobal::rebuild_parameter},
    {"torch", "Size", PickleGlobal::size}};

// Names come from the file: what is shown of them is short and printable.
std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 80)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

}  // namespace

uint64_t PickleMachine::read(size_t n_bytes) {
  if (n_bytes > bytes_.size() - at_) fail("the pickle ends in the middle");
  uint64_t value = 0;
  for (size_t i = 0; i < n_bytes; ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes_[at_ + i])) << (8 * i);
  at_ += n_bytes;
  return value;
}

// Little-endian two's complement of up to 8 bytes.
int64_t PickleMachine::read_signed(size_t n_bytes) {
  if (n_bytes == 0) return 0;
  if (n_bytes > 8) fail("an integer of {} bytes in the pickle is too large", n_bytes);
  const size_t unused = 64 - 8 * n_bytes;
  return static_cast<int64_t>(read(n_bytes) << unused) >> unused;
}

std::string_view PickleMachine::read_text(uint64_t n_bytes) {
  if (n_bytes > bytes_.size() - at_) fail("a text of {} bytes ends behind the pickle", n_bytes);
  const std::string_view text = bytes_.substr(at_, n_bytes);
  at_ += n_bytes;
  return text;
}

std::string_view PickleMachine::read_line() {
  const size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) fail("the pickle ends in the middle");
  const std::string_view line = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  return line;
}

uint32_t PickleMachine::add(PickleValue value) {
  if (values_.size() >= kMaxValues) fail("the pickle has more than {} objects", kMaxValues);
  values_.push_back(std::move(value));
  return static_cast<uint32_t>(values_.size() - 1);
}

void PickleMachine::push_integer(int64_t value) {
  PickleValue v;
  v.kind = Kind::integer;
  v.integer = value;
  push(std::move(v));
}

uint32_t PickleMachine::pop() {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) fail("the pickle takes from an empty stack");
  const uint32_t index = stack_.back();
  stack_.pop_back();
  return index;
}

PickleValue& PickleMachine::top() {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) fail("the pickle takes from an empty stack");
  return values_[stack_.back()];
}

std::vector<uint32_t> PickleMachine::pop_to_mark() {
  if (marks_.empty()) fail("the pickle has no mark where it needs one");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<uint32_t> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleMachine::push_tuple(size_t n) {
  PickleValue tuple;
  tuple.kind = Kind::list;
  for (size_t i = 0; i < n; ++i) tuple.items.insert(tuple.items.begin(), pop());
  push(std::move(tuple));
}

void PickleMachine::memoize(uint64_t index) {
  top();  // there must be one
  memo_[index] = stack_.back();
}

void PickleMachine::recall(uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) fail("the pickle recalls object {}, which it has not kept", index);
  stack_.push_back(found->second);
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  PickleValue v;
  v.kind = Kind::global;
  for (const Known& known : kKnown)
    if (known.module == module && known.name == name) {
      v.global = known.global;
      return push(std::move(v));
    }
  if (module == "torch")
    for (const StorageType& type : kStorages)
      if (type.name == name) {
        v.type = &type;
        return push(std::move(v));
      }
  fail("the pickle asks for {}.{}, which a file of weights does not need: it is refused. Save "
       "model.state_dict()",
       shown(module), shown(name));
}

const PickleValue& PickleMachine::item(const PickleValue& list, size_t i) const {
  if (list.kind != Kind::list || i >= list.items.size())
    fail("the pickle gives {} arguments where there must be more than {}", list.items.size(), i);
  return values_[list.items[i]];
}

// ("storage", type, key, location, number of elements[, view]), of which a view is None or
// (key, offset, size).
void PickleMachine::push_storage() {
  const PickleValue& id = values_[pop()];
  const PickleValue &word = item(id, 0), &type = item(id, 1), &key = item(id, 2),
                    &count = item(id, 4);
  if (word.kind != Kind::text || word.text != "storage" || type.kind != Kind::global ||
      type.type == nullptr || key.kind != Kind::text || count.kind != Kind::integer ||
      count.integer < 0)
    fail("a persistent id of the pickle does not describe a storage");
  PickleValue storage;
  storage.kind = Kind::storage;
  storage.type = type.type;
  storage.text = key.text;
  storage.integer = count.integer;
  if (id.items.size() > 5 && item(id, 5).kind != Kind::none) {
    const PickleValue& view = item(id, 5);
    if (item(view, 1).kind != Kind::integer || item(view, 2).kind != Kind::integer)
      fail("the view of a storage is not (key, offset, size)");
    storage.items = {view.items[1], view.items[2]};
  }
  push(std::move(storage));
  storages_.push_back(stack_.back());
}

void PickleMachine::reduce() {
  const uint32_t arguments_index = pop(), callable_index = pop();
  const PickleValue &arguments = values_[arguments_index], &callable = values_[callable_index];
  if (callable.kind != Kind::global || arguments.kind != Kind::list || callable.type != nullptr)
    fail("the pickle calls what is not a function");
  PickleValue result;
  switch (callable.global) {
    case PickleGlobal::ordered_dict: {
      result.kind = Kind::dict;
      if (arguments.items.empty()) break;
      const PickleValue& pairs = item(arguments, 0);  // [[key, value], ...], as Python 2 wrote it
      if (pairs.kind != Kind::list) fail("an OrderedDict is made of something else than pairs");
      for (uint32_t pair : pairs.items) {
        item(values_[pair], 1);  // there must be two
        result.items.push_back(values_[pair].items[0]);
        result.items.push_back(values_[pair].items[1]);
      }
      break;
    }
    case PickleGlobal::rebuild_tensor: {
      if (item(arguments, 0).kind != Kind::storage || item(arguments, 1).kind != Kind::integer ||
          item(arguments, 2).kind != Kind::list || item(arguments, 3).kind != Kind::list)
        fail("a tensor is not made of (storage, offset, sizes, strides)");
      result.kind = Kind::tensor;
      result.items.assign(arguments.items.begin(), arguments.items.begin() + 4);
      break;
    }
    case PickleGlobal::rebuild_parameter:
      if (item(arguments, 0).kind != Kind::tensor) fail("a parameter is not made of a tensor");
      stack_.push_back(arguments.items[0]);
      return;
    case PickleGlobal::size:
      if (item(arguments, 0).kind != Kind::list) fail("a torch.Size is not made of sizes");
      stack_.push_back(arguments.items[0]);
      return;
    case PickleGlobal::storage:
      fail("the pickle calls what is not a function");
  }
  push(std::move(result));
}

// Attributes: a state dict has "_metadata" with versions of modules, which no tensor needs.
void PickleMachine::build() {
  pop();
  const Kind kind = top().kind;
  if (kind != Kind::dict && kind != Kind::tensor)
    fail("the pickle gives attributes to what has none");
}

void PickleMachine::fill(Kind kind, const std::vector<uint32_t>& items) {
  PickleValue& target = top();
  if (target.kind != kind)
    fail("the pickle adds items to what is not a {}", kind == Kind::dict ? "dict" : "list");
  if (kind == Kind::dict && items.size() % 2 != 0) fail("a key of the pickle has no value");
  target.items.insert(target.items.end(), items.begin(), items.end());
}

// The opcodes of tuples, lists and dicts; false for others.
bool PickleMachine::container(uint8_t opcode) {
  PickleValue v;
  switch (opcode) {
    case kMark: marks_.push_back(stack_.size()); return true;
    case kEmptyTuple: push_tuple(0); return true;
    case kTuple1: push_tuple(1); return true;
    case kTuple2: push_tuple(2); return true;
    case kTuple3: push_tuple(3); return true;
    case kTuple:
      v.kind = Kind::list;
      v.items = pop_to_mark();
      push(std::move(v));
      return true;
    case kEmptyList: v.kind = Kind::list; push(std::move(v)); return true;
    case kEmptyDict: v.kind = Kind::dict; push(std::move(v)); return true;
    case kAppend: fill(Kind::list, {pop()}); return true;
    case kAppends: fill(Kind::list, pop_to_mark()); return true;
    case kSetItem: {
      const uint32_t value = pop(), key = pop();
      fill(Kind::dict, {key, value});
      return true;
    }
    case kSetItems: fill(Kind::dict, pop_to_mark()); return true;
    default: return false;
  }
}

bool PickleMachine::step(uint8_t opcode) {
  if (container(opcode)) return true;
  PickleValue v;
  auto push_text = [&](uint64_t n) {
    v.kind = Kind::text;
    v.text = read_text(n);
    push(std::move(v));
  };
  switch (opcode) {
    case kStop: return false;
    case kProto:
      if (const uint64_t protocol = read(1); protocol < 2 || protocol > 5)
        fail("the pickle has protocol {}; 2 to 5 are known", protocol);
      break;
    case kFrame: read(8); break;
    case kPop: pop(); break;
    case kNone: push(std::move(v)); break;
    case kNewTrue:
    case kNewFalse:
      v.kind = Kind::boolean;
      v.integer = opcode == kNewTrue ? 1 : 0;
      push(std::move(v));
      break;
    case kBinInt: push_integer(read_signed(4)); break;
    case kBinInt1: push_integer(static_cast<int64_t>(read(1))); break;
    case kBinInt2: push_integer(static_cast<int64_t>(read(2))); break;
    case kLong1: push_integer(read_signed(read(1))); break;
    case kBinFloat: {
      v.kind = Kind::real;
      v.real = std::bit_cast<double>(__builtin_bswap64(read(8)));
      push(std::move(v));
      break;
    }
    case kBinUnicode:
    case kBinString: push_text(read(4)); break;
    case kShortBinUnicode:
    case kShortBinString: push_text(read(1)); break;
    case kBinUnicode8: push_text(read(8)); break;
    case kGlobal: {
      const std::string_view module = read_line();
      push_global(module, read_line());
      break;
    }
    case kStackGlobal: {
      const PickleValue &name = values_[pop()], &module = values_[pop()];
      if (name.kind != Kind::text || module.kind != Kind::text)
        fail("a global of the pickle has no name");
      push_global(module.text, name.text);
      break;
    }
    case kBinPersId: push_storage(); break;
    case kReduce: reduce(); break;
    case kBuild: build(); break;
    case kBinPut: memoize(read(1)); break;
    case kLongBinPut: memoize(read(4)); break;
    case kMemoize: memoize(memo_.size()); break;
    case kBinGet: recall(read(1)); break;
    case kLongBinGet: recall(read(4)); break;
    default: {
      const auto* known = std::find_if(std::begin(kRefused), std::end(kRefused),
                                       [&](const Refused& r) { return r.opcode == opcode; });
      if (known != std::end(kRefused))
        fail("the pickle has the opcode {}, which a file of weights does not need: it is refused",
             known->name);
      fail("byte {:#04x} at {} is not an opcode", opcode, at_ - 1);
    }
  }
  return true;
}

uint32_t PickleMachine::run() {
  stack_.clear();
  marks_.clear();
  memo_.clear();
  while (step(static_cast<uint8_t>(read(1)))) {
    // The stack grows by what is recalled, which makes no objects.
    if (stack_.size() + marks_.size() > kMaxValues)
      fail("the pickle has more than {} objects", kMaxValues);
  }
  return pop();
}

}  // namespace andiron::io
