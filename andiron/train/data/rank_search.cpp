#include "andiron/train/data/rank_search.hpp"

#include <algorithm>

namespace andiron::train {

namespace {

using Wide = unsigned __int128;

Wide wide(const RowHash& h) { return static_cast<Wide>(h.high) << 64 | h.low; }
RowHash hash_of(Wide w) { return {static_cast<uint64_t>(w >> 64), static_cast<uint64_t>(w)}; }

}  // namespace

void RankSearch::add_run(const RowHash* hashes, int64_t n) {
  Run run;
  run.n = n;
  for (int64_t i = 0; i < n; i += kPage) run.firsts.push_back(hashes[i]);
  runs_.push_back(std::move(run));
}

Result<int64_t> RankSearch::count(size_t r, const RowHash& key, bool with_equal) {
  Run& run = runs_[r];
  const auto before = [&](const auto& begin, const auto& end) {
    return with_equal ? std::upper_bound(begin, end, key) - begin
                      : std::lower_bound(begin, end, key) - begin;
  };
  const int64_t pages = before(run.firsts.begin(), run.firsts.end());
  if (pages == 0) return int64_t{0};
  const int64_t page = pages - 1, begin = page * kPage, end = std::min(begin + kPage, run.n);
  if (run.page != page) {
    run.hashes.resize(static_cast<size_t>(end - begin));
    run.page = -1;
    if (Result<> done = read_(r, begin, end, run.hashes.data()); !done) return done.failure();
    run.page = page;
  }
  return begin + before(run.hashes.begin(), run.hashes.end());
}

Result<std::vector<int64_t>> RankSearch::split(int64_t q) {
  const auto counts = [&](const RowHash& key, bool with_equal,
                          std::vector<int64_t>& out) -> Result<int64_t> {
    int64_t sum = 0;
    out.resize(runs_.size());
    for (size_t r = 0; r < runs_.size(); ++r) {
      Result<int64_t> n = count(r, key, with_equal);
      if (!n) return n.failure();
      sum += out[r] = n.value();
    }
    return sum;
  };
  // The smallest hash that more than q rows do not exceed is that of row q. The pages' first hashes
  // tell where it lies before any page is read: of what is below the k-th of them there are at most
  // k pages, and up to it at least k + 1 whole ones, but for one in each run.
  if (firsts_.empty()) {
    for (const Run& run : runs_)
      firsts_.insert(firsts_.end(), run.firsts.begin(), run.firsts.end());
    std::sort(firsts_.begin(), firsts_.end());
  }
  std::vector<int64_t> below, upto;
  Wide low = wide(low_), high = ~Wide{0};
  const auto page = static_cast<size_t>(q / kPage);
  if (page < firsts_.size()) low = std::max(low, wide(firsts_[page]));
  if (page + runs_.size() < firsts_.size()) high = wide(firsts_[page + runs_.size()]);
  while (low < high) {
    const Wide middle = low + (high - low) / 2;
    Result<int64_t> n = counts(hash_of(middle), true, upto);
    if (!n) return n.failure();
    if (n.value() == q) {  // between two hashes: no need to know which
      low_ = hash_of(middle);
      return upto;
    }
    if (n.value() > q)
      high = middle;
    else
      low = middle + 1;
  }
  low_ = hash_of(low);
  Result<int64_t> n = counts(low_, false, below);
  if (!n) return n.failure();
  if (Result<int64_t> all = counts(low_, true, upto); !all) return all.failure();
  int64_t missing = q - n.value();
  for (size_t r = 0; r < runs_.size(); ++r) {
    const int64_t taken = std::min(missing, upto[r] - below[r]);
    below[r] += taken;
    missing -= taken;
  }
  return below;
}

}  // namespace andiron::train
