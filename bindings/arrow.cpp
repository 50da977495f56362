#include "bindings/arrow.hpp"

#include <nanobind/stl/map.h>

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/io/arrow/stream.hpp"
#include "andiron/io/arrow/vocabulary.hpp"
#include "andiron/train/data/table_dataset.hpp"
#include "andiron/train/dataset_source.hpp"
#include "bindings/convert.hpp"
#include "bindings/signals.hpp"

// Arrow data: streams, vocabularies, tables and the batches made of them.
namespace andiron::bindings {

namespace {

using io::arrow::ColumnOptions;
using io::arrow::Stream;
using io::arrow::Unit;
using io::arrow::Vocabulary;
using train::Table;
using train::TableField;

template <class T>
T* pointer_in(nb::handle capsule, const char* name) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (pointer == nullptr) throw nb::python_error();
  return static_cast<T*>(pointer);
}

Unit unit_from(const std::string& text) {
  constexpr std::pair<const char*, Unit> kUnits[] = {{"", Unit::own},  {"days", Unit::days},
                                                     {"s", Unit::s},   {"ms", Unit::ms},
                                                     {"us", Unit::us}, {"ns", Unit::ns}};
  for (const auto& [name, unit] : kUnits)
    if (text == name) return unit;
  fail("[data] a unit is \"days\", \"s\", \"ms\", \"us\" or \"ns\"; got \"{}\"", text);
}

ColumnOptions::Truncate truncate_from(const std::string& text) {
  if (text == "post") return ColumnOptions::Truncate::end;
  if (text == "pre") return ColumnOptions::Truncate::beginning;
  fail("[data] truncate is \"post\", \"pre\" or None; got \"{}\"", text);
}

ColumnOptions::Check check_from(const std::string& text) {
  if (text == "finite") return ColumnOptions::Check::finite;
  return text == "weight" ? ColumnOptions::Check::weight : ColumnOptions::Check::none;
}

// (least, most, besides or None, rule, hint)
ColumnOptions::Range range_from(nb::handle item) {
  ColumnOptions::Range out;
  out.least = nb::cast<double>(item[nb::int_(0)]);
  out.most = nb::cast<double>(item[nb::int_(1)]);
  nb::object besides = item[nb::int_(2)];
  if (!besides.is_none()) out.besides = nb::cast<double>(besides);
  out.rule = nb::cast<std::string>(item[nb::int_(3)]);
  out.hint = nb::cast<std::string>(item[nb::int_(4)]);
  return out;
}

ColumnOptions column_from(nb::handle dict) {
  ColumnOptions out;
  for (auto [key, value] : nb::borrow<nb::dict>(dict)) {
    const auto name = nb::cast<std::string>(key);
    if (value.is_none()) continue;
    if (name == "name")
      out.name = nb::cast<std::string>(value);
    else if (name == "dtype")
      out.dtype = dtype_from(value);
    else if (name == "fill")
      out.fill = nb::cast<double>(value);
    else if (name == "vocabulary")
      out.vocabulary = nb::cast<std::shared_ptr<Vocabulary>>(value);
    else if (name == "fingerprints")
      out.fingerprints = nb::cast<bool>(value);
    else if (name == "length")
      out.length = nb::cast<int64_t>(value);
    else if (name == "pad")
      out.pad = nb::cast<double>(value);
    else if (name == "truncate")
      out.truncate = truncate_from(nb::cast<std::string>(value));
    else if (name == "unit")
      out.unit = unit_from(nb::cast<std::string>(value));
    else if (name == "check")
      out.check = check_from(nb::cast<std::string>(value));
    else if (name == "range")
      out.range = range_from(value);
  }
  return out;
}

// (name, role, dtype, row, columns, class weights or None)
TableField field_from(nb::handle item) {
  TableField out;
  const auto role = nb::cast<std::string>(item[nb::int_(1)]);
  out.field.name = nb::cast<std::string>(item[nb::int_(0)]);
  out.field.role = role == "input"   ? train::Field::Role::input
                   : role == "label" ? train::Field::Role::label
                                     : train::Field::Role::weight;
  out.field.dtype = dtype_from(item[nb::int_(2)]);
  out.field.row = nb::cast<Sizes>(item[nb::int_(3)]);
  out.columns = nb::cast<std::vector<size_t>>(item[nb::int_(4)]);
  nb::object weights = item[nb::int_(5)];
  if (!weights.is_none()) out.class_weight = nb::cast<std::map<int64_t, double>>(weights);
  return out;
}

}  // namespace

std::shared_ptr<Stream> stream_from(nb::handle object) {
  if (nb::isinstance<Stream>(object)) return nb::cast<std::shared_ptr<Stream>>(object);
  if (nb::hasattr(object, "__arrow_c_stream__")) {
    nb::object capsule = object.attr("__arrow_c_stream__")();
    return std::make_shared<Stream>(pointer_in<ArrowArrayStream>(capsule, "arrow_array_stream"));
  }
  if (nb::hasattr(object, "__arrow_c_array__")) {
    nb::object pair = object.attr("__arrow_c_array__")();
    nb::object schema = pair[nb::int_(0)], array = pair[nb::int_(1)];
    return std::make_shared<Stream>(pointer_in<ArrowSchema>(schema, "arrow_schema"),
                                    pointer_in<ArrowArray>(array, "arrow_array"));
  }
  throw TypeError(fmt::format(
      "[data] an Arrow table or stream is needed (anything with __arrow_c_stream__); got {}",
      nb::cast<std::string>(nb::str(object.type().attr("__name__")))));
}

std::vector<ColumnOptions> columns_from(nb::handle list) {
  std::vector<ColumnOptions> out;
  for (nb::handle item : list) out.push_back(column_from(item));
  return out;
}

std::vector<TableField> table_fields_from(nb::handle list) {
  std::vector<TableField> out;
  for (nb::handle item : list) out.push_back(field_from(item));
  return out;
}

namespace {

nb::list described(const std::vector<train::TableColumn>& columns) {
  nb::list out;
  for (const train::TableColumn& c : columns)
    out.append(nb::make_tuple(c.name, to_python(c.dtype), to_python(c.row)));
  return out;
}

// A stream's batches as the inputs of a model.
class ArrowBatches {
 public:
  ArrowBatches(std::shared_ptr<Stream> stream, const std::vector<ColumnOptions>& columns)
      : stream_(std::move(stream)), reader_(*stream_, columns) {}

  bool next() { return reader_.next(block_); }
  int64_t rows() const { return block_.rows; }
  const std::vector<train::TableColumn>& columns() const { return reader_.columns(); }

  // Shares the memory where a field is one column of its dtype.
  std::vector<Tensor> tensors(const std::vector<TableField>& fields) {
    std::vector<Tensor> out, copies;
    std::vector<TableField> copied;
    for (const TableField& f : fields) {
      Sizes sizes = {block_.rows};
      sizes.insert(sizes.end(), f.field.row.begin(), f.field.row.end());
      const Tensor& first = block_.columns[f.columns.at(0)];
      if (f.columns.size() == 1 && first.dtype() == f.field.dtype &&
          first.count() == count_of(sizes)) {
        out.push_back(first.reshape(sizes));
        continue;
      }
      copies.push_back(out.emplace_back(f.field.dtype, sizes));
      copied.push_back(f);
    }
    train::RowGatherer gatherer(copied, reader_.columns());
    const std::vector<train::TableBlock> blocks = {block_};
    gatherer.set_blocks(blocks);
    std::vector<train::RowPlace> places(static_cast<size_t>(block_.rows));
    for (size_t i = 0; i < places.size(); ++i) places[i] = {0, static_cast<uint32_t>(i)};
    gatherer.gather(places, copies, 0);
    return out;
  }

 private:
  std::shared_ptr<Stream> stream_;
  train::BlockReader reader_;
  train::TableBlock block_;
};

void bind_vocabulary(nb::module_& m) {
  nb::class_<Vocabulary>(m, "VocabularyCore")
      .def(nb::init<std::vector<std::string>, bool>(), nb::arg("entries"), nb::arg("unknown"))
      .def_prop_ro("size", &Vocabulary::size)
      .def_prop_ro("entries", &Vocabulary::entries)
      .def_prop_ro("unknown", &Vocabulary::has_unknown)
      .def("id", &Vocabulary::id)
      .def("json", &Vocabulary::json)
      .def_static("from_json", &Vocabulary::from_json)
      .def("save",
           [](const Vocabulary& v, const std::string& path) { v.save(path).value_or_throw(); })
      .def_static("load",
                  [](const std::string& path) { return Vocabulary::load(path).value_or_throw(); });
  m.def(
      "build_vocabularies",
      [](nb::handle data, const std::vector<std::string>& names, int64_t max_size,
         int64_t min_count, bool unknown) {
        const std::shared_ptr<Stream> stream = stream_from(data);
        nb::gil_scoped_release unlocked;
        const std::function<void()> check = signal_check();
        std::vector<size_t> columns;
        for (const std::string& name : names) columns.push_back(stream->find(name));
        std::vector<io::arrow::VocabularyBuilder> builders(names.size());
        while (const auto batch = stream->next(columns).value_or_throw()) {
          for (size_t i = 0; i < builders.size(); ++i) builders[i].add(batch->columns[i]);
          check();
        }
        std::vector<std::shared_ptr<Vocabulary>> out;
        for (const auto& b : builders)
          out.push_back(std::make_shared<Vocabulary>(b.build(max_size, min_count, unknown)));
        return out;
      },
      nb::arg("data"), nb::arg("columns"), nb::arg("max_size"), nb::arg("min_count"),
      nb::arg("unknown"));
}

void bind_table(nb::module_& m) {
  nb::class_<Table>(m, "ArrowTable")
      .def_prop_ro("n_rows", &Table::n_rows)
      .def_prop_ro("columns", [](const Table& t) { return described(t.columns()); })
      .def_prop_ro("spilled", [](const Table& t) { return t.spill() != nullptr; })
      .def_prop_ro("spill_path",
                   [](const Table& t) -> std::optional<std::string> {
                     if (t.spill() == nullptr) return std::nullopt;
                     return t.spill()->open_path();
                   })
      .def_prop_ro("digest", [](const Table& t) { return t.digest().str(); })
      .def_prop_ro("extremes",
                   [](const Table& t) {
                     nb::dict out;
                     for (const auto& [name, e] : t.extremes()) {
                       nb::list found;
                       for (const auto& side : {e.least, e.most})
                         for (const auto& [value, row] : side)
                           if (std::isfinite(value)) found.append(nb::make_tuple(value, row));
                       out[name.c_str()] = found;
                     }
                     return out;
                   })
      .def("row_hashes",
           [](const Table& t) {
             if (t.spill() != nullptr) fail("[data] hashes of spilled rows stand in the spill");
             const std::vector<train::RowHash> hashes = t.row_hashes();
             Tensor out(DType::i64, {static_cast<int64_t>(hashes.size()), 2});
             std::copy_n(hashes.data(), hashes.size(), out.data<train::RowHash>());
             return out;
           })
      .def("order", [](const Table& t) {
        return Tensor::from(t.order(), {static_cast<int64_t>(t.order().size())});
      });
}

}  // namespace

void bind_arrow(nb::module_& m) {
  bind_vocabulary(m);
  bind_table(m);
  nb::class_<Stream>(m, "ArrowStream", "A producer's stream of record batches, read once.")
      .def(nb::new_([](nb::handle data) { return stream_from(data); }))
      .def_prop_ro("columns", [](const Stream& s) {
        nb::list out;
        for (const io::arrow::Type& c : s.schema().children)
          out.append(nb::make_tuple(c.name, c.str()));
        return out;
      });
  m.def(
      "read_arrow",
      [](nb::handle data, nb::handle columns, train::Packs packs, int64_t memory_budget,
         const std::string& folder, bool by_content) {
        const std::vector<ColumnOptions> options = columns_from(columns);
        const std::shared_ptr<Stream> stream = stream_from(data);
        nb::gil_scoped_release unlocked;
        train::BlockReader reader(*stream, options, std::move(packs));
        return train::read_table(reader, {memory_budget, folder, by_content}, signal_check());
      },
      nb::arg("data"), nb::arg("columns"), nb::arg("packs"), nb::arg("memory_budget") = 0,
      nb::arg("spill_folder") = "", nb::arg("by_content") = false);
  m.def(
      "table_source",
      [](const std::shared_ptr<Table>& table, nb::handle fields, int64_t batch_size, bool shuffle,
         uint64_t seed, int64_t first, int64_t rows) -> std::shared_ptr<train::BatchSource> {
        if (rows < 0) rows = table->n_rows() - first;
        auto dataset = train::make_dataset(
            table, table_fields_from(fields),
            {.batch_size = batch_size, .shuffle = shuffle, .seed = seed}, first, rows);
        return std::make_shared<train::DatasetSource>(std::move(dataset), [table, first, rows] {
          return train::digest_of(*table, first, rows);
        });
      },
      nb::arg("table"), nb::arg("fields"), nb::arg("batch_size"), nb::arg("shuffle"),
      nb::arg("seed"), nb::arg("first") = 0, nb::arg("rows") = -1);
  nb::class_<ArrowBatches>(m, "ArrowBatches")
      .def(nb::new_([](nb::handle data, nb::handle columns) {
        return std::make_unique<ArrowBatches>(stream_from(data), columns_from(columns));
      }))
      .def("next", &ArrowBatches::next, nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("rows", &ArrowBatches::rows)
      .def_prop_ro("columns", [](const ArrowBatches& b) { return described(b.columns()); })
      .def("tensors",
           [](ArrowBatches& b, nb::handle fields) { return b.tensors(table_fields_from(fields)); });
}

}  // namespace andiron::bindings
