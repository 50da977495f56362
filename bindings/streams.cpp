#include "andiron/base/error.hpp"
#include "andiron/train/data/streamed_dataset.hpp"
#include "andiron/train/data/table.hpp"
#include "andiron/train/dataset_source.hpp"
#include "bindings/arrow.hpp"
#include "bindings/convert.hpp"
#include "bindings/python_function.hpp"

// Streams of files: Python opens them, the core reads.
namespace andiron::bindings {

namespace {

// The first of these places in a text, as messages of others begin with an area of their own.
std::string without_area(const std::string& text) {
  const size_t end = text.find("] ");
  return text.starts_with("[") && end != std::string::npos ? text.substr(end + 2) : text;
}

// One unit's blocks. What goes wrong in it is told with its name.
class UnitReader {
 public:
  UnitReader(std::string name, std::shared_ptr<io::arrow::Stream> stream,
             const std::vector<io::arrow::ColumnOptions>& columns, const train::Packs& packs,
             std::vector<train::TableColumn> expected)
      : name_(std::move(name)), stream_(std::move(stream)), expected_(std::move(expected)) {
    named([&] { reader_ = std::make_unique<train::BlockReader>(*stream_, columns, packs); });
  }

  bool next(train::TableBlock& block) {
    bool more = false;
    named([&] { more = reader_->next(block); });
    if (more && block.rows > 0) check();
    return more;
  }

 private:
  template <class F>
  void named(F&& f) {
    try {
      f();
    } catch (const IoError& e) {
      throw IoError(fmt::format("[data] {}: {}", name_, without_area(e.what())), e.errno_code());
    } catch (const Error& e) {
      fail("[data] {}: {}", name_, without_area(e.what()));
    }
  }

  void check() const {
    const std::vector<train::TableColumn>& columns = reader_->columns();
    for (size_t i = 0; i < columns.size(); ++i)
      if (columns[i] != expected_[i])
        fail("[data] {}: column '{}' is {}{} a row; in the first file it is {}{}", name_,
             columns[i].name, name_of(columns[i].dtype), str(columns[i].row),
             name_of(expected_[i].dtype), str(expected_[i].row));
  }

  std::string name_;
  std::shared_ptr<io::arrow::Stream> stream_;
  std::vector<train::TableColumn> expected_;
  std::unique_ptr<train::BlockReader> reader_;
};

// Its thread may wait for the interpreter's lock, to open or to read: who ends it must not hold it.
void delete_unlocked(train::BatchSource* source) {
  if (!Py_IsInitialized() || !PyGILState_Check()) {
    delete source;
    return;
  }
  nb::gil_scoped_release unlocked;
  delete source;
}

}  // namespace

void bind_streams(nb::module_& m) {
  m.def(
      "streamed_source",
      [](nb::object open, const std::vector<std::string>& names,
         const std::vector<int64_t>& unit_rows, nb::handle columns, const train::Packs& packs,
         const std::shared_ptr<train::Table>& like, nb::handle fields, int64_t shuffle_rows,
         int64_t batch_size, bool shuffle, uint64_t seed,
         uint64_t digest) -> std::shared_ptr<train::BatchSource> {
        train::StreamedRows rows = {
            .columns = like->columns(), .unit_rows = unit_rows, .shuffle_rows = shuffle_rows};
        const auto opener = shared_object(std::move(open));
        rows.open = [opener, names, options = columns_from(columns), packs,
                     expected = like->columns()](size_t unit) {
          std::shared_ptr<io::arrow::Stream> stream;
          {
            nb::gil_scoped_acquire gil;
            stream = stream_from((*opener)(unit));
          }
          auto reader = std::make_shared<UnitReader>(names.at(unit), std::move(stream), options,
                                                     packs, expected);
          return [reader](train::TableBlock& block) { return reader->next(block); };
        };
        auto dataset = std::make_shared<train::StreamedDataset>(
            std::move(rows), table_fields_from(fields),
            train::DataOptions{.batch_size = batch_size, .shuffle = shuffle, .seed = seed});
        auto* source = new train::DatasetSource(std::move(dataset), [digest] { return digest; });
        return {source, &delete_unlocked};
      },
      nb::arg("open"), nb::arg("names"), nb::arg("unit_rows"), nb::arg("columns"), nb::arg("packs"),
      nb::arg("like"), nb::arg("fields"), nb::arg("shuffle_rows"), nb::arg("batch_size"),
      nb::arg("shuffle"), nb::arg("seed"), nb::arg("digest"));
}

}  // namespace andiron::bindings
