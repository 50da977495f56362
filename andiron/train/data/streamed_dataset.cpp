#include "andiron/train/data/streamed_dataset.hpp"

#include <algorithm>
#include <numeric>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

constexpr int64_t kPiece = 4096;  // rows that are drawn at once

// Keys of the two shuffles, apart from those of other datasets.
constexpr uint64_t kOfUnits = 0x0F11E, kOfRows = 0x2036;

int64_t capacity_of(const StreamedRows& rows, const DataOptions& options) {
  if (rows.shuffle_rows < 1)
    fail("[data] the shuffle buffer must hold at least 1 row; got {}", rows.shuffle_rows);
  const int64_t n = std::accumulate(rows.unit_rows.begin(), rows.unit_rows.end(), int64_t{0});
  return options.shuffle ? std::clamp<int64_t>(n, 1, rows.shuffle_rows) : 1;
}

}  // namespace

StreamedDataset::StreamedDataset(StreamedRows rows, std::vector<TableField> fields,
                                 DataOptions options)
    : Dataset("data", options),
      rows_(std::move(rows)),
      gatherer_(std::move(fields), rows_.columns),
      buffer_(rows_.columns, capacity_of(rows_, options), kPiece) {
  gatherer_.set_blocks(buffer_.room());
  places_.reserve(kPiece);
  set_samples(gatherer_.fields(),
              std::accumulate(rows_.unit_rows.begin(), rows_.unit_rows.end(), int64_t{0}));
}

void StreamedDataset::start(int64_t epoch) {
  epoch_ = -1;  // until it has begun
  order_.resize(rows_.unit_rows.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  if (options().shuffle) {
    const uint64_t key = mix_key(options().seed ^ kOfUnits, static_cast<uint64_t>(epoch));
    const Permutation units(std::ssize(order_), key);
    for (size_t i = 0; i < order_.size(); ++i)
      order_[i] = static_cast<size_t>(units[static_cast<int64_t>(i)]);
  }
  buffer_.start(mix_key(options().seed ^ kOfRows, static_cast<uint64_t>(epoch)));
  unit_ = nullptr;
  block_ = {};
  n_opened_ = 0;
  position_ = taken_ = 0;
  epoch_ = epoch;
}

bool StreamedDataset::next_block() {
  for (;;) {
    block_ = {};  // before the next one is made
    taken_ = 0;
    if (unit_ && unit_(block_)) {
      if (block_.rows > 0) return true;
      continue;
    }
    unit_ = nullptr;
    if (n_opened_ == order_.size()) return false;
    unit_ = rows_.open(order_[n_opened_++]);
  }
}

void StreamedDataset::draw(int64_t n) {
  places_.clear();
  const auto fill = [&] {
    while (!buffer_.full() && (taken_ < block_.rows || next_block())) {
      const int64_t more = std::min(buffer_.wanted(), block_.rows - taken_);
      buffer_.add(block_, taken_, more);
      taken_ += more;
    }
  };
  for (int64_t i = 0; i < n; ++i) {
    fill();
    if (buffer_.empty())
      fail("[data] there are {} rows, fewer than the {} that were counted: have files changed?",
           position_ + i, n_samples());
    places_.push_back(buffer_.draw());
  }
}

// A sample is a position in the epoch's order.
void StreamedDataset::choose(int64_t, int64_t first, std::span<int64_t> samples) {
  std::iota(samples.begin(), samples.end(), first);
}

void StreamedDataset::gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
                             int64_t at) {
  const int64_t first = samples.front(), n = std::ssize(samples);
  try {
    if (epoch_ != epoch || position_ > first) start(epoch);
    while (position_ < first) {  // a training that is resumed
      const int64_t skipped = std::min(first - position_, kPiece);
      draw(skipped);
      buffer_.recycle();
      position_ += skipped;
    }
    for (int64_t done = 0; done < n; done += kPiece) {
      const int64_t piece = std::min(kPiece, n - done);
      draw(piece);
      gatherer_.gather(places_, out.tensors(), at + done);
      buffer_.recycle();
      position_ += piece;
    }
    if (position_ == n_samples() && (!buffer_.empty() || taken_ < block_.rows || next_block()))
      fail("[data] there are more rows than the {} that were counted: have files changed?",
           n_samples());
  } catch (...) {
    epoch_ = -1;
    unit_ = nullptr;
    throw;
  }
}

}  // namespace andiron::train
