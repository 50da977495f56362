#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <vector>

#include "andiron/io/arrow/convert.hpp"
#include "andiron/io/arrow/stream.hpp"
#include "andiron/train/data/table_block.hpp"

namespace andiron::bindings {

/// Whatever has __arrow_c_stream__ or __arrow_c_array__. Throws TypeError.
std::shared_ptr<io::arrow::Stream> stream_from(nanobind::handle object);
/// A list of dicts, as andiron._tables.Column makes them.
std::vector<io::arrow::ColumnOptions> columns_from(nanobind::handle list);
/// A list of (name, role, dtype, row, columns, class weights or None).
std::vector<train::TableField> table_fields_from(nanobind::handle list);

/// Arrow streams, vocabularies, tables and the batches made of them.
void bind_arrow(nanobind::module_& m);
/// Rows that are read from their files in every epoch.
void bind_streams(nanobind::module_& m);

}  // namespace andiron::bindings
