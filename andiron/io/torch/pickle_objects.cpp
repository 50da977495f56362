// What a pickle's names and calls make: the only ones that there are.
#include <string>
#include <string_view>

#include "andiron/base/error.hpp"
#include "andiron/io/torch/pickle_machine.hpp"

namespace andiron::io {

namespace {

constexpr StorageType kStorages[] = {
    {"FloatStorage", 4, DType::f32}, {"DoubleStorage", 8, DType::f64},
    {"HalfStorage", 2, DType::f32},  {"BFloat16Storage", 2, DType::bf16},
    {"LongStorage", 8, DType::i64},  {"IntStorage", 4, DType::i32},
    {"ShortStorage", 2, DType::i32}, {"CharStorage", 1, DType::i8},
    {"ByteStorage", 1, DType::u8},   {"BoolStorage", 1, DType::boolean}};

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
  fail(
      "the pickle asks for {}.{}, which a file of weights does not need: it is refused. Save "
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

}  // namespace andiron::io
