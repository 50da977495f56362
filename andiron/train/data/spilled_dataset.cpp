#include "andiron/train/data/spilled_dataset.hpp"

#include <algorithm>
#include <numeric>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

constexpr size_t kPiecesPerWindow = 8;  // blocks of a sixteenth of the budget: half of it

// Keys of the two shuffles, apart from the one that datasets in memory use.
constexpr uint64_t kOfBlocks = 0xB10C, kOfRows = 0x2035;

}  // namespace

SpilledDataset::SpilledDataset(std::shared_ptr<const Table> table, RowGatherer rows,
                               DataOptions options, int64_t first, int64_t n)
    : Dataset("data", options), table_(std::move(table)), rows_(std::move(rows)) {
  const Spill& spill = *table_->spill();
  for (int64_t b = 0; b < spill.n_blocks(); ++b) {
    const int64_t begin = std::max(spill.begin_of(b), first);
    const int64_t end = std::min(spill.begin_of(b + 1), first + n);
    if (begin < end) pieces_.push_back({b, begin - spill.begin_of(b), end - begin});
  }
  pieces_per_window_ = std::min(pieces_.size(), kPiecesPerWindow);
  // The neighbours of a window lie in whole blocks, of which pieces may take a part.
  const int64_t room = static_cast<int64_t>(pieces_per_window_) * spill.rows_per_block();
  if (room > UINT32_MAX) fail("[data] blocks of {} rows are too long", spill.rows_per_block());
  tensors_ = spill.make_room(room);
  room_.push_back({room, tensors_});
  places_.resize(static_cast<size_t>(room));
  rows_of_block_.resize(static_cast<size_t>(spill.rows_per_block()));
  rows_.set_blocks(room_);
  set_samples(rows_.fields(), n);
}

void SpilledDataset::order_blocks(int64_t epoch) {
  if (epoch_ == epoch) return;
  order_.resize(pieces_.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  if (options().shuffle) {
    const uint64_t key = mix_key(options().seed ^ kOfBlocks, static_cast<uint64_t>(epoch));
    const Permutation blocks(static_cast<int64_t>(order_.size()), key);
    for (size_t i = 0; i < order_.size(); ++i)
      order_[i] = static_cast<size_t>(blocks[static_cast<int64_t>(i)]);
  }
  begins_.clear();
  int64_t at = 0;
  for (size_t i = 0; i < order_.size(); ++i) {
    if (i % pieces_per_window_ == 0) begins_.push_back(at);
    at += pieces_[order_[i]].rows;
  }
  begins_.push_back(at);
  epoch_ = epoch;
  window_ = shuffled_ = SIZE_MAX;
}

size_t SpilledDataset::window_at(int64_t position) const {
  return static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), position) -
                             begins_.begin()) -
         1;
}

// A sample is a position in the epoch's order of blocks.
void SpilledDataset::choose(int64_t epoch, int64_t first, std::span<int64_t> samples) {
  order_blocks(epoch);
  std::iota(samples.begin(), samples.end(), first);
  if (!options().shuffle) return;
  for (int64_t& s : samples) {
    const size_t w = window_at(s);
    if (shuffled_ != w) {
      const uint64_t of_epoch = mix_key(options().seed ^ kOfRows, static_cast<uint64_t>(epoch));
      shuffle_ = Permutation(begins_[w + 1] - begins_[w], mix_key(of_epoch, w));
      shuffled_ = w;
    }
    s = begins_[w] + shuffle_[s - begins_[w]];
  }
}

void SpilledDataset::load(size_t window) {
  const Spill& spill = *table_->spill();
  const size_t end = std::min((window + 1) * pieces_per_window_, order_.size());
  window_ = SIZE_MAX;  // until it is complete
  int64_t at = 0;
  size_t n = 0;
  for (size_t i = window * pieces_per_window_; i < end; ++i) {
    const Piece& piece = pieces_[order_[i]];
    const int64_t rows = spill.begin_of(piece.block + 1) - spill.begin_of(piece.block);
    const std::span<uint32_t> places(rows_of_block_.data(), static_cast<size_t>(rows));
    spill.read(piece.block, tensors_, at, places).value_or_throw();
    std::copy_n(places.begin() + piece.skip, piece.rows, places_.begin() + static_cast<long>(n));
    n += static_cast<size_t>(piece.rows);
    at += rows;
  }
  for (size_t i = end; i < std::min(end + pieces_per_window_, order_.size()); ++i)
    spill.expect(pieces_[order_[i]].block);
  window_ = window;
}

void SpilledDataset::gather(std::span<const int64_t> samples, int64_t, BatchBuffer& out,
                            int64_t at) {
  gathered_.resize(std::max(gathered_.size(), samples.size()));
  // Samples come window by window.
  for (size_t done = 0; done < samples.size();) {
    const size_t w = window_at(samples[done]);
    if (window_ != w) load(w);
    size_t n = 0;
    for (; done + n < samples.size(); ++n) {
      const int64_t s = samples[done + n];
      if (s < begins_[w] || s >= begins_[w + 1]) break;
      gathered_[n] = {0, places_[static_cast<size_t>(s - begins_[w])]};
    }
    rows_.gather({gathered_.data(), n}, out.tensors(), at + static_cast<int64_t>(done));
    done += n;
  }
}

}  // namespace andiron::train
