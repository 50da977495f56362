#include "andiron/train/data/spill.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "andiron/base/error.hpp"
#include "andiron/io/file.hpp"
#include "andiron/train/data/rank_search.hpp"

namespace andiron::train {

namespace {

std::vector<io::arrow::IpcColumn> in_file(const std::vector<TableColumn>& columns,
                                          bool by_content) {
  std::vector<io::arrow::IpcColumn> out;
  for (const TableColumn& c : columns) out.push_back({c.name, c.dtype, c.row});
  if (by_content) out.push_back({"andiron.row_hash", DType::i64, {2}});
  return out;
}

}  // namespace

Spill::Spill(SpillOptions options, std::vector<TableColumn> columns, int fd, std::string path)
    : options_(std::move(options)),
      columns_(std::move(columns)),
      fd_(fd),
      path_(std::move(path)),
      writer_(fd, path_, in_file(columns_, options_.by_content)),
      staged_(make_room(options_.rows_per_run)) {}

Result<std::unique_ptr<Spill>> Spill::create(SpillOptions options,
                                             std::vector<TableColumn> columns) {
  const std::string path = io::unused_name(options.folder + "/andiron-spill");
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return system_failure("[spill] cannot create '{}'", path);
  ::unlink(path.c_str());  // nothing can leave it behind from here on
  std::unique_ptr<Spill> spill(new Spill(std::move(options), std::move(columns), fd, path));
  if (Result<> done = spill->writer_.begin(); !done) return done.failure();
  return spill;
}

Spill::~Spill() { ::close(fd_); }

std::string Spill::open_path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd_); }

int64_t Spill::n_blocks() const {
  return (n_rows_ + options_.rows_per_block - 1) / options_.rows_per_block;
}

std::vector<Tensor> Spill::make_room(int64_t rows) const {
  std::vector<Tensor> room;
  for (const TableColumn& c : columns_) {
    Sizes sizes = {rows};
    sizes.insert(sizes.end(), c.row.begin(), c.row.end());
    room.emplace_back(c.dtype, std::move(sizes));
  }
  if (options_.by_content) room.emplace_back(DType::i64, Sizes{rows, 2});
  return room;
}

Result<> Spill::add(const TableBlock& block) {
  std::vector<RowHash> hashes;
  if (options_.by_content) hash_rows(columns_, block, hashes);
  for (int64_t done = 0; done < block.rows;) {
    const int64_t n = std::min(block.rows - done, options_.rows_per_run - n_staged_);
    for (size_t c = 0; c < columns_.size(); ++c) {
      const int64_t bytes = columns_[c].row_bytes();
      std::memcpy(static_cast<std::byte*>(staged_[c].raw()) + n_staged_ * bytes,
                  static_cast<const std::byte*>(block.columns[c].raw()) + done * bytes,
                  static_cast<size_t>(n * bytes));
    }
    if (options_.by_content)
      std::copy_n(hashes.begin() + done, n, staged_.back().data<RowHash>() + n_staged_);
    done += n;
    n_staged_ += n;
    if (n_staged_ == options_.rows_per_run)
      if (Result<> written = write_run(); !written) return written;
  }
  return success();
}

// Into memory that stays: columns that come and go for each run would leave holes in the heap.
void Spill::sort_staged() {
  const RowHash* hashes = staged_.back().data<RowHash>();
  std::vector<int64_t> order(static_cast<size_t>(n_staged_));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return hashes[a] != hashes[b] ? hashes[a] < hashes[b] : a < b;
  });
  if (sorted_.empty()) sorted_ = make_room(options_.rows_per_run);
  for (size_t c = 0; c < staged_.size(); ++c) copy_rows(staged_[c], order, sorted_[c], 0);
}

Result<> Spill::write_run() {
  if (n_staged_ == 0) return success();
  if (options_.by_content) sort_staged();
  std::vector<Tensor> columns;
  for (const Tensor& t : options_.by_content ? sorted_ : staged_)
    columns.push_back(t.rows(0, n_staged_));
  Result<std::vector<int64_t>> offsets = writer_.write(n_staged_, columns);
  if (!offsets) return because(offsets.failure(), "[spill] rows beyond the memory budget");
  runs_.push_back({n_staged_, std::move(offsets).value()});
  n_rows_ += n_staged_;
  n_staged_ = 0;
  return success();
}

Result<> Spill::finish() {
  if (Result<> done = write_run(); !done) return done;
  staged_.clear();
  sorted_.clear();
  if (Result<> done = writer_.finish(); !done)
    return because(done.failure(), "[spill] rows beyond the memory budget");
  if (options_.by_content) return cut_by_content();
  cut_in_order();
  return success();
}

void Spill::cut_in_order() {
  blocks_.resize(static_cast<size_t>(n_blocks()));
  int64_t first = 0;  // of the run in the whole
  for (size_t r = 0; r < runs_.size(); ++r) {
    const int64_t n = runs_[r].rows;
    for (int64_t at = 0; at < n;) {
      const int64_t b = (first + at) / options_.rows_per_block;
      const int64_t end = std::min(n, begin_of(b + 1) - first);
      blocks_[static_cast<size_t>(b)].push_back({r, at, end});
      at = end;
    }
    first += n;
  }
}

Result<> Spill::cut_by_content() {
  const auto read_hashes = [&](size_t run, int64_t begin, int64_t end, RowHash* out) {
    const auto bytes = static_cast<int64_t>(sizeof(RowHash));
    return read_at(out, (end - begin) * bytes, runs_[run].offsets.back() + begin * bytes);
  };
  RankSearch search(read_hashes);
  std::vector<RowHash> hashes;
  for (size_t r = 0; r < runs_.size(); ++r) {
    hashes.resize(static_cast<size_t>(runs_[r].rows));
    if (Result<> done = read_hashes(r, 0, runs_[r].rows, hashes.data()); !done) return done;
    search.add_run(hashes.data(), runs_[r].rows);
  }
  std::vector<int64_t> begin(runs_.size(), 0);
  for (int64_t b = 0; b < n_blocks(); ++b) {
    std::vector<int64_t> end;
    if (b + 1 < n_blocks()) {
      Result<std::vector<int64_t>> found = search.split(begin_of(b + 1));
      if (!found) return found.failure();
      end = std::move(found).value();
    } else {
      for (const Run& run : runs_) end.push_back(run.rows);
    }
    std::vector<Slice> slices;
    for (size_t r = 0; r < runs_.size(); ++r)
      if (end[r] > begin[r]) slices.push_back({r, begin[r], end[r]});
    blocks_.push_back(std::move(slices));
    begin = std::move(end);
  }
  return success();
}

Result<> Spill::read_at(void* dst, int64_t n_bytes, int64_t offset) const {
  auto* to = static_cast<std::byte*>(dst);
  while (n_bytes > 0) {
    const ssize_t n =
        ::pread(fd_, to, static_cast<size_t>(std::min<int64_t>(n_bytes, 1 << 30)), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("[spill] cannot read '{}'", path_);
    if (n == 0) return failure("[spill] '{}' became shorter", path_);
    to += n;
    offset += n;
    n_bytes -= n;
  }
  return success();
}

Result<> Spill::read(int64_t b, const std::vector<Tensor>& room, int64_t at,
                     std::span<uint32_t> places) const {
  int64_t row = at;
  for (const Slice& s : blocks_[static_cast<size_t>(b)]) {
    for (size_t c = 0; c < room.size(); ++c) {
      const int64_t bytes =
          c < columns_.size() ? columns_[c].row_bytes() : static_cast<int64_t>(sizeof(RowHash));
      if (Result<> done =
              read_at(static_cast<std::byte*>(room[c].raw()) + row * bytes,
                      (s.end - s.begin) * bytes, runs_[s.run].offsets[c] + s.begin * bytes);
          !done)
        return done;
    }
    row += s.end - s.begin;
  }
  std::iota(places.begin(), places.end(), static_cast<uint32_t>(at));
  if (options_.by_content) {
    const RowHash* hashes = room.back().data<RowHash>();
    std::sort(places.begin(), places.end(), [&](uint32_t i, uint32_t k) {
      return hashes[i] != hashes[k] ? hashes[i] < hashes[k] : i < k;
    });
  }
  return success();
}

void Spill::expect(int64_t b) const {
  for (const Slice& s : blocks_[static_cast<size_t>(b)])
    for (size_t c = 0; c < columns_.size(); ++c)
      ::posix_fadvise(fd_, runs_[s.run].offsets[c] + s.begin * columns_[c].row_bytes(),
                      (s.end - s.begin) * columns_[c].row_bytes(), POSIX_FADV_WILLNEED);
}

}  // namespace andiron::train
