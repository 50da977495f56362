#include "andiron/io/arrow/ipc_writer.hpp"

#include "andiron/io/arrow/flat_builder.hpp"
#include "andiron/io/file.hpp"

namespace andiron::io::arrow {

namespace {

// Numbers of Arrow's Schema.fbs, Message.fbs and File.fbs.
constexpr int16_t kVersion5 = 4;
enum Header : uint8_t { kSchema = 1, kRecordBatch = 3 };
enum TypeId : uint8_t { kInt = 2, kFloatingPoint = 3, kFixedSizeList = 16 };

constexpr int64_t kAlign = 64;  // of buffers in the file
constexpr char kMagic[8] = {'A', 'R', 'R', 'O', 'W', '1', 0, 0};

int64_t padded(int64_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

using Place = FlatBuilder::Place;

Place number_field(FlatBuilder& b, const std::string& name, DType dtype) {
  const Place name_at = b.text(name), children = b.tables({});
  const bool real = dtype == DType::f32 || dtype == DType::f64;
  b.begin();
  if (real) {
    b.field<int16_t>(0, dtype == DType::f32 ? 1 : 2);
  } else {
    b.field<int32_t>(0, static_cast<int32_t>(8 * size_of(dtype)));
    const bool is_signed = dtype == DType::i8 || dtype == DType::i32 || dtype == DType::i64;
    b.field<uint8_t>(1, is_signed ? 1 : 0);
  }
  const Place type = b.end();
  b.begin();
  b.pointer(0, name_at);
  b.field<uint8_t>(1, 0);  // not nullable
  b.field<uint8_t>(2, real ? kFloatingPoint : kInt);
  b.pointer(3, type);
  b.pointer(5, children);
  return b.end();
}

Place column_field(FlatBuilder& b, const IpcColumn& column) {
  if (column.row.empty()) return number_field(b, column.name, column.dtype);
  const Place item[] = {number_field(b, "item", column.dtype)};
  const Place children = b.tables(item), name = b.text(column.name);
  b.begin();
  b.field<int32_t>(0, static_cast<int32_t>(count_of(column.row)));
  const Place type = b.end();
  b.begin();
  b.pointer(0, name);
  b.field<uint8_t>(1, 0);
  b.field<uint8_t>(2, kFixedSizeList);
  b.pointer(3, type);
  b.pointer(5, children);
  return b.end();
}

Place schema_table(FlatBuilder& b, const std::vector<IpcColumn>& columns) {
  std::vector<Place> fields;
  for (const IpcColumn& c : columns) fields.push_back(column_field(b, c));
  const Place list = b.tables(fields);
  b.begin();
  b.field<int16_t>(0, 0);  // little-endian
  b.pointer(1, list);
  return b.end();
}

std::vector<uint8_t> message_of(FlatBuilder& b, Header header, Place table, int64_t body) {
  b.begin();
  b.field<int64_t>(3, body);
  b.pointer(2, table);
  b.field<int16_t>(0, kVersion5);
  b.field<uint8_t>(1, header);
  return b.finish(b.end());
}

}  // namespace

IpcWriter::IpcWriter(int fd, std::string path, std::vector<IpcColumn> columns)
    : fd_(fd), path_(std::move(path)), columns_(std::move(columns)) {}

Result<> IpcWriter::put(const void* bytes, size_t n) {
  if (Result<> done = write_all(fd_, {static_cast<const std::byte*>(bytes), n}, path_); !done)
    return done;
  at_ += static_cast<int64_t>(n);
  return success();
}

// The continuation mark, the length, the metadata; padded so that the body begins at a multiple of
// 64 bytes of the file.
Result<> IpcWriter::message(const std::vector<uint8_t>& metadata) {
  const int64_t end = padded(at_ + 8 + static_cast<int64_t>(metadata.size()));
  std::vector<uint8_t> bytes(static_cast<size_t>(end - at_));
  const int32_t head[2] = {-1, static_cast<int32_t>(end - at_ - 8)};
  std::memcpy(bytes.data(), head, sizeof(head));
  std::memcpy(bytes.data() + sizeof(head), metadata.data(), metadata.size());
  return put(bytes.data(), bytes.size());
}

Result<> IpcWriter::begin() {
  if (Result<> done = put(kMagic, sizeof(kMagic)); !done) return done;
  FlatBuilder b;
  const Place schema = schema_table(b, columns_);
  return message(message_of(b, kSchema, schema, 0));
}

Result<std::vector<int64_t>> IpcWriter::write(int64_t rows, const std::vector<Tensor>& columns) {
  std::vector<int64_t> nodes, buffers, offsets;
  int64_t body = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto n_bytes = static_cast<int64_t>(columns[i].n_bytes());
    const bool list = !columns_[i].row.empty();
    nodes.insert(nodes.end(), {rows, 0});
    buffers.insert(buffers.end(), {body, 0});  // no bitmap: nothing is null
    if (list) {
      nodes.insert(nodes.end(), {rows * count_of(columns_[i].row), 0});
      buffers.insert(buffers.end(), {body, 0});
    }
    buffers.insert(buffers.end(), {body, n_bytes});
    offsets.push_back(body);
    body += padded(n_bytes);
  }
  FlatBuilder b;
  const Place node_list = b.structs(nodes, nodes.size() / 2);
  const Place buffer_list = b.structs(buffers, buffers.size() / 2);
  b.begin();
  b.field<int64_t>(0, rows);
  b.pointer(1, node_list);
  b.pointer(2, buffer_list);
  const Place batch = b.end();
  const int64_t begin = at_;
  if (Result<> done = message(message_of(b, kRecordBatch, batch, body)); !done)
    return done.failure();
  const int64_t body_begin = at_;
  // A Block struct: offset, metadata length (int32 and padding), body length.
  batches_.insert(batches_.end(), {begin, body_begin - begin, body});
  for (int64_t& offset : offsets) offset += body_begin;
  constexpr char kZeros[kAlign] = {};
  for (const Tensor& column : columns) {
    if (Result<> done = put(column.raw(), column.n_bytes()); !done) return done.failure();
    if (Result<> done = put(kZeros, static_cast<size_t>(padded(at_) - at_)); !done)
      return done.failure();
  }
  return offsets;
}

Result<> IpcWriter::finish() {
  const int32_t end_of_stream[2] = {-1, 0};
  if (Result<> done = put(end_of_stream, sizeof(end_of_stream)); !done) return done;
  FlatBuilder b;
  const Place schema = schema_table(b, columns_);
  const Place dictionaries = b.structs({}, 0);
  const Place batches = b.structs(batches_, batches_.size() / 3);
  b.begin();
  b.pointer(1, schema);
  b.pointer(2, dictionaries);
  b.pointer(3, batches);
  b.field<int16_t>(0, kVersion5);
  const std::vector<uint8_t> footer = b.finish(b.end());
  if (Result<> done = put(footer.data(), footer.size()); !done) return done;
  const auto n = static_cast<int32_t>(footer.size());
  if (Result<> done = put(&n, sizeof(n)); !done) return done;
  return put(kMagic, 6);
}

}  // namespace andiron::io::arrow
