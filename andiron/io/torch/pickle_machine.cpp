#include "andiron/io/torch/pickle_machine.hpp"

#include <algorithm>
#include <bit>

#include "andiron/base/error.hpp"
#include "andiron/io/torch/pickle_opcodes.hpp"

namespace andiron::io {

namespace {

// A state dict has about twenty objects for each tensor.
constexpr size_t kMaxValues = 4'000'000;

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

// The opcodes of tuples, lists and dicts; false for others.
bool PickleMachine::container(uint8_t opcode) {
  PickleValue v;
  switch (opcode) {
    case kMark:
      marks_.push_back(stack_.size());
      return true;
    case kEmptyTuple:
      push_tuple(0);
      return true;
    case kTuple1:
      push_tuple(1);
      return true;
    case kTuple2:
      push_tuple(2);
      return true;
    case kTuple3:
      push_tuple(3);
      return true;
    case kTuple:
      v.kind = Kind::list;
      v.items = pop_to_mark();
      push(std::move(v));
      return true;
    case kEmptyList:
      v.kind = Kind::list;
      push(std::move(v));
      return true;
    case kEmptyDict:
      v.kind = Kind::dict;
      push(std::move(v));
      return true;
    case kAppend:
      fill(Kind::list, {pop()});
      return true;
    case kAppends:
      fill(Kind::list, pop_to_mark());
      return true;
    case kSetItem: {
      const uint32_t value = pop(), key = pop();
      fill(Kind::dict, {key, value});
      return true;
    }
    case kSetItems:
      fill(Kind::dict, pop_to_mark());
      return true;
    default:
      return false;
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
    case kStop:
      return false;
    case kProto:
      if (const uint64_t protocol = read(1); protocol < 2 || protocol > 5)
        fail("the pickle has protocol {}; 2 to 5 are known", protocol);
      break;
    case kFrame:
      read(8);
      break;
    case kPop:
      pop();
      break;
    case kNone:
      push(std::move(v));
      break;
    case kNewTrue:
    case kNewFalse:
      v.kind = Kind::boolean;
      v.integer = opcode == kNewTrue ? 1 : 0;
      push(std::move(v));
      break;
    case kBinInt:
      push_integer(read_signed(4));
      break;
    case kBinInt1:
      push_integer(static_cast<int64_t>(read(1)));
      break;
    case kBinInt2:
      push_integer(static_cast<int64_t>(read(2)));
      break;
    case kLong1:
      push_integer(read_signed(read(1)));
      break;
    case kBinFloat: {
      v.kind = Kind::real;
      v.real = std::bit_cast<double>(__builtin_bswap64(read(8)));
      push(std::move(v));
      break;
    }
    case kBinUnicode:
    case kBinString:
      push_text(read(4));
      break;
    case kShortBinUnicode:
    case kShortBinString:
      push_text(read(1));
      break;
    case kBinUnicode8:
      push_text(read(8));
      break;
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
    case kBinPersId:
      push_storage();
      break;
    case kReduce:
      reduce();
      break;
    case kBuild:
      build();
      break;
    case kBinPut:
      memoize(read(1));
      break;
    case kLongBinPut:
      memoize(read(4));
      break;
    case kMemoize:
      memoize(memo_.size());
      break;
    case kBinGet:
      recall(read(1));
      break;
    case kLongBinGet:
      recall(read(4));
      break;
    default: {
      const auto* known = std::find_if(std::begin(kRefused), std::end(kRefused),
                                       [&](const RefusedOpcode& r) { return r.opcode == opcode; });
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
