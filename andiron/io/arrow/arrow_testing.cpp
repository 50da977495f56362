#include "andiron/io/arrow/arrow_testing.hpp"

#include <algorithm>
#include <cerrno>

namespace andiron::io::arrow {

namespace {

struct SchemaMemory {
  std::string format, name;
  std::vector<std::unique_ptr<ArrowSchema>> owned;
  std::vector<ArrowSchema*> children;
  std::shared_ptr<Calls> calls;
};

struct ArrayMemory {
  std::vector<std::unique_ptr<uint8_t[]>> memory;
  std::vector<const void*> buffers;
  std::vector<std::unique_ptr<ArrowArray>> owned;
  std::vector<ArrowArray*> children;
  std::shared_ptr<Calls> calls;
};

void release_schema(ArrowSchema* schema) {
  auto* memory = static_cast<SchemaMemory*>(schema->private_data);
  ++memory->calls->schemas;
  for (auto& child : memory->owned)
    if (child->release != nullptr) child->release(child.get());
  schema->release = nullptr;
  delete memory;
}

void release_array(ArrowArray* array) {
  auto* memory = static_cast<ArrayMemory*>(array->private_data);
  ++memory->calls->arrays;
  for (auto& child : memory->owned)
    if (child->release != nullptr) child->release(child.get());
  array->release = nullptr;
  delete memory;
}

struct StreamMemory {
  HandMadeStream given;
  HandMade schema;
  std::shared_ptr<Calls> calls;
  int n = 0;
};

StreamMemory* memory_of(ArrowArrayStream* stream) {
  return static_cast<StreamMemory*>(stream->private_data);
}

}  // namespace

void make_schema(const HandMade& column, ArrowSchema* out, const std::shared_ptr<Calls>& calls) {
  auto* memory = new SchemaMemory{column.format, column.name, {}, {}, calls};
  ++calls->made_schemas;
  *out = {};
  const auto add = [&](const HandMade& child) {
    memory->owned.push_back(std::make_unique<ArrowSchema>());
    make_schema(child, memory->owned.back().get(), calls);
    return memory->owned.back().get();
  };
  for (const HandMade& child : column.children) memory->children.push_back(add(child));
  if (!column.dictionary.empty()) out->dictionary = add(column.dictionary[0]);
  out->format = memory->format.c_str();
  out->name = memory->name.c_str();
  out->n_children = static_cast<int64_t>(memory->children.size());
  out->children = memory->children.data();
  out->release = release_schema;
  out->private_data = memory;
}

void make_array(const HandMade& column, ArrowArray* out, const std::shared_ptr<Calls>& calls) {
  auto* memory = new ArrayMemory{{}, {}, {}, {}, calls};
  ++calls->made_arrays;
  *out = {};
  for (size_t i = 0; i < column.buffers.size(); ++i) {
    const std::vector<uint8_t>& bytes = column.buffers[i];
    memory->memory.emplace_back(new uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), memory->memory.back().get());
    const bool absent = i < column.absent.size() && column.absent[i];
    memory->buffers.push_back(absent ? nullptr : memory->memory.back().get());
  }
  const auto add = [&](const HandMade& child) {
    memory->owned.push_back(std::make_unique<ArrowArray>());
    make_array(child, memory->owned.back().get(), calls);
    return memory->owned.back().get();
  };
  for (const HandMade& child : column.children) memory->children.push_back(add(child));
  if (!column.dictionary.empty()) out->dictionary = add(column.dictionary[0]);
  out->length = column.length;
  out->null_count = column.null_count;
  out->offset = column.offset;
  out->n_buffers =
      column.n_buffers >= 0 ? column.n_buffers : static_cast<int64_t>(memory->buffers.size());
  out->n_children =
      column.n_children >= 0 ? column.n_children : static_cast<int64_t>(memory->children.size());
  out->buffers = memory->buffers.data();
  out->children = memory->children.data();
  out->release = release_array;
  out->private_data = memory;
}

HandMade batch_of(std::vector<HandMade> columns) {
  HandMade batch{.format = "+s", .name = ""};
  batch.length = columns.empty() ? 0 : std::max<int64_t>(columns[0].length, 0);
  batch.buffers = {{}};
  batch.absent = {true};
  batch.children = std::move(columns);
  return batch;
}

void make_stream(HandMadeStream given, ArrowArrayStream* out, const std::shared_ptr<Calls>& calls) {
  HandMade schema = given.batches.empty() ? batch_of({}) : given.batches.front();
  out->private_data = new StreamMemory{std::move(given), std::move(schema), calls};
  out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
    if (memory_of(self)->given.fail_schema) return EIO;
    make_schema(memory_of(self)->schema, schema, memory_of(self)->calls);
    return 0;
  };
  out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
    StreamMemory* memory = memory_of(self);
    if (memory->n++ == memory->given.fail_at) return ENETDOWN;
    *array = {};
    if (memory->given.batches.empty()) return 0;
    make_array(memory->given.batches.front(), array, memory->calls);
    memory->given.batches.pop_front();
    return 0;
  };
  out->get_last_error = [](ArrowArrayStream*) { return "the wire was cut"; };
  out->release = [](ArrowArrayStream* self) {
    ++memory_of(self)->calls->streams;
    delete memory_of(self);
    self->release = nullptr;
  };
}

}  // namespace andiron::io::arrow
