#include "andiron/io/arrow/stream.hpp"

#include <algorithm>
#include <cerrno>

#include "andiron/base/error.hpp"

namespace andiron::io::arrow {

namespace {

template <class T>
T& not_released(T* given, const char* what) {
  if (given == nullptr || given->release == nullptr)
    fail("[arrow] the {} is released: it was taken already", what);
  return *given;
}

Failure producer_failure(ArrowArrayStream* stream, int code, const char* what) {
  const char* given = stream->get_last_error == nullptr ? nullptr : stream->get_last_error(stream);
  std::string said = given != nullptr ? given : "it gives no reason";
  // pyarrow adds the traceback of a producer that is written in Python.
  said = said.substr(0, said.find(". Detail: Python exception"));
  errno = code;
  return system_failure("[arrow] the producer's {} failed: {}", what, said);
}

}  // namespace

Stream::Stream(ArrowArrayStream* source) : source_(not_released(source, "stream")) {
  Owned<ArrowSchema> schema;
  if (const int code = source_->get_schema(source_.get(), schema.get()); code != 0) {
    Result<> failed = producer_failure(source_.get(), code, "schema");
    std::move(failed).value_or_throw();
  }
  read_schema(*schema.get());
}

Stream::Stream(ArrowSchema* schema, ArrowArray* array) : single_(not_released(array, "array")) {
  Owned<ArrowSchema> owned(not_released(schema, "schema"));
  read_schema(*owned.get());
}

void Stream::read_schema(const ArrowSchema& schema) {
  auto type = std::make_shared<Type>(parse_type(schema));
  if (type->kind != Kind::structure)
    fail("[arrow] a stream of record batches is needed (a structure of columns); got {}",
         type->str());
  schema_ = std::move(type);
}

size_t Stream::find(const std::string& name) const {
  const std::vector<Type>& columns = schema_->children;
  const auto named = [&](const Type& t) { return t.name == name; };
  const auto found = std::find_if(columns.begin(), columns.end(), named);
  if (found == columns.end()) {
    std::string names;
    for (const Type& c : columns) names += (names.empty() ? "'" : ", '") + c.name + "'";
    fail("[arrow] there is no column '{}'; there are {}", name, names.empty() ? "none" : names);
  }
  if (std::find_if(found + 1, columns.end(), named) != columns.end())
    fail("[arrow] there are two columns '{}'", name);
  return static_cast<size_t>(found - columns.begin());
}

Batch Stream::batch_from(ArrowArray& array, const std::vector<size_t>& columns) const {
  // The fields of the parent only; children are checked one by one when they are taken out.
  if (array.length < 0 || array.offset < 0 || array.length > INT64_MAX - array.offset)
    fail("[arrow] a batch of length {} at offset {} makes no sense", array.length, array.offset);
  if (array.n_children != static_cast<int64_t>(schema_->children.size()) ||
      (array.n_children > 0 && array.children == nullptr))
    fail("[arrow] the schema has {} columns; a batch has {}", schema_->children.size(),
         array.n_children);
  if (array.null_count > 0) fail("[arrow] whole rows of a batch are null");
  Batch batch;
  batch.rows = array.length;
  batch.schema = schema_;
  for (size_t i : columns) {
    const Type& type = schema_->children[i];
    ArrowArray* child = array.children[i];
    if (child == nullptr || child->release == nullptr)
      fail("[arrow] column '{}' of a batch is missing", type.name);
    // The interface allows to move children out of a parent that is released right afterwards.
    auto owner = std::make_shared<Owned<ArrowArray>>(*child);
    Array column = view_array(*owner->get(), type, type.name);
    if (column.length - array.offset < array.length)
      fail("[arrow] column '{}' has {} rows; its batch has {}", type.name, column.length,
           array.length + array.offset);
    slice(column, array.offset, array.length);
    column.owner = std::move(owner);
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

Result<std::optional<Batch>> Stream::next(const std::vector<size_t>& columns) {
  if (single_.held()) {
    Owned<ArrowArray> array(*single_.get());
    return std::optional<Batch>(batch_from(*array.get(), columns));
  }
  if (!source_.held()) return std::optional<Batch>();
  Owned<ArrowArray> array;
  if (const int code = source_->get_next(source_.get(), array.get()); code != 0) {
    Failure failed = producer_failure(source_.get(), code, "next batch");
    source_.reset();
    return failed;
  }
  if (!array.held()) {  // the end
    source_.reset();
    return std::optional<Batch>();
  }
  return std::optional<Batch>(batch_from(*array.get(), columns));
}

}  // namespace andiron::io::arrow
