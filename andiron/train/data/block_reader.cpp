#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/train/data/table.hpp"

namespace andiron::train {

namespace {

// NumPy's promotion, as far as columns of one row of numbers need it.
DType common(DType a, DType b) {
  if (a == b) return a;
  const auto small = [](DType d) {
    return d == DType::f32 || d == DType::bf16 || d == DType::i8 || d == DType::u8 ||
           d == DType::boolean;
  };
  return small(a) && small(b) ? DType::f32 : DType::f64;
}

}  // namespace

BlockReader::BlockReader(io::arrow::Stream& stream,
                         const std::vector<io::arrow::ColumnOptions>& columns, Packs packs)
    : stream_(stream), packs_(std::move(packs)) {
  // Nothing but columns bounds the rows that a batch claims to have.
  if (columns.empty()) fail("[data] no column is asked for");
  std::vector<bool> packed(columns.size());
  for (const std::vector<size_t>& pack : packs_)
    for (size_t i : pack) packed.at(i) = true;
  for (size_t i = 0; i < columns.size(); ++i) {
    const size_t at = stream.find(columns[i].name);
    const auto known = std::find(wanted_.begin(), wanted_.end(), at);
    source_of_.push_back(static_cast<size_t>(known - wanted_.begin()));
    if (known == wanted_.end()) wanted_.push_back(at);
    converters_.emplace_back(columns[i], stream.schema().children[at]);
    if (!packed[i]) alone_.push_back(i);
  }
}

bool BlockReader::next(TableBlock& block) {
  std::optional<io::arrow::Batch> batch = stream_.next(wanted_).value_or_throw();
  if (!batch) return false;
  block.rows = batch->rows;
  block.columns.clear();
  for (size_t i = 0; i < converters_.size(); ++i)
    block.columns.push_back(converters_[i].convert(batch->columns[source_of_[i]], n_rows_));
  n_rows_ += batch->rows;
  if (block.rows == 0) return true;
  if (columns_.empty()) describe();
  if (!packs_.empty()) pack(block);
  return true;
}

std::map<std::string, io::arrow::Extremes> BlockReader::extremes() const {
  std::map<std::string, io::arrow::Extremes> out;
  for (const io::arrow::Converter& c : converters_)
    if (c.options().check == io::arrow::ColumnOptions::Check::finite)
      out[c.options().name] = c.extremes();
  return out;
}

void BlockReader::describe() {
  for (const io::arrow::Converter& c : converters_)
    converted_.push_back({c.options().name, c.dtype(), *c.row()});
  for (const std::vector<size_t>& pack : packs_) {
    TableColumn column = converted_[pack.at(0)];
    column.row = {0};
    for (size_t i : pack) {
      if (i != pack[0]) column.name += "," + converted_[i].name;
      column.dtype = common(column.dtype, converted_[i].dtype);
      column.row[0] += converted_[i].width();
    }
    columns_.push_back(std::move(column));
  }
  for (size_t i : alone_) columns_.push_back(converted_[i]);
}

void BlockReader::pack(TableBlock& block) const {
  constexpr int64_t kPiece = 1024;  // rows that stay in the cache while their columns are read
  const std::vector<TableBlock> from = {block};
  std::vector<TableField> fields;
  std::vector<Tensor> out;
  for (size_t p = 0; p < packs_.size(); ++p) {
    const TableColumn& column = columns_[p];
    fields.push_back({{column.name, Field::Role::input, column.dtype, column.row}, packs_[p]});
    out.emplace_back(column.dtype, Sizes{block.rows, column.row[0]});
  }
  RowGatherer gatherer(std::move(fields), converted_);
  gatherer.set_blocks(from);
  RowPlace places[kPiece];
  for (int64_t at = 0; at < block.rows; at += kPiece) {
    const int64_t n = std::min(kPiece, block.rows - at);
    for (int64_t i = 0; i < n; ++i) places[i] = {0, static_cast<uint32_t>(at + i)};
    gatherer.gather({places, static_cast<size_t>(n)}, out, at);
  }
  for (size_t i : alone_) out.push_back(block.columns[i]);
  block.columns = std::move(out);
}

}  // namespace andiron::train
