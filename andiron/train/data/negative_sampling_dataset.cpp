#include "andiron/train/data/negative_sampling_dataset.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "andiron/base/error.hpp"

namespace andiron::train {

NegativeSamplingDataset::NegativeSamplingDataset(const Tensor& users, const Tensor& items,
                                                 int64_t n_users, int64_t n_items,
                                                 NegativeSamplingOptions sampling,
                                                 DataOptions options)
    : Dataset("negative sampling", options), sampling_(std::move(sampling)) {
  NegativeSamplingOptions& s = sampling_;
  if (s.negatives < 0 || s.negatives > 1'000'000)
    fail("[negative sampling] negatives must be in [0, 1000000]; got {}", s.negatives);
  if (s.id_dtype != DType::i32 && s.id_dtype != DType::i64)
    fail("[negative sampling] ids are int32 or int64; got {}", name_of(s.id_dtype));
  if (count_of(s.row) != 1)
    fail("[negative sampling] row must have one element; got {}", str(s.row));
  if (s.known == nullptr) s.known = std::make_shared<Interactions>(users, items, n_users, n_items);
  if (s.known->n_users() != n_users || s.known->n_items() != n_items)
    fail("[negative sampling] known interactions are of {} users and {} items, not {} and {}",
         s.known->n_users(), s.known->n_items(), n_users, n_items);
  sampler_ = std::make_unique<NegativeSampler>(s.known, s.alpha);
  users_ = read_ids("user", users, n_users);
  items_ = read_ids("item", items, n_items);
  if (users_.size() != items_.size())
    fail("[negative sampling] there are {} users but {} items", users_.size(), items_.size());

  std::vector<Field> fields = {{"user", Field::Role::input, s.id_dtype, s.row},
                               {"item", Field::Role::input, s.id_dtype, s.row}};
  if (s.history != nullptr) {
    if (s.history->n_users() != n_users)
      fail("[negative sampling] the history has {} users, not {}", s.history->n_users(), n_users);
    fields.push_back({"history", Field::Role::input, s.id_dtype, {s.history->max_len()}});
  }
  for (const SideTable& t : s.side_tables) {
    const int64_t wanted = t.by_item ? n_items : n_users;
    if (!t.table.defined() || t.table.rank() < 1 || t.table.size(0) != wanted)
      fail("[negative sampling] the table '{}' must have {} rows; got {}", t.name, wanted,
           t.table.defined() ? str(t.table.sizes()) : "nothing");
    fields.push_back({t.name, Field::Role::input, t.table.dtype(),
                      Sizes(t.table.sizes().begin() + 1, t.table.sizes().end())});
  }
  fields.push_back({"label", Field::Role::label, DType::f32, s.row});
  if (s.weights.defined()) {
    if (s.weights.count() != static_cast<int64_t>(users_.size()))
      fail("[negative sampling] there are {} weights for {} positives", s.weights.count(),
           users_.size());
    for (int64_t i = 0; i < s.weights.count(); ++i) {
      weights_.push_back(static_cast<float>(s.weights.item(i)));
      if (!std::isfinite(weights_.back()))
        fail("[negative sampling] row {}: the weight is {}", i, weights_.back());
    }
    fields.push_back({"weight", Field::Role::weight, DType::f32, {}});
  }

  auto possible = [&](int64_t p) { return sampler_->possible(users_[static_cast<size_t>(p)]); };
  order_.resize(users_.size());
  std::iota(order_.begin(), order_.end(), 0);
  n_with_negatives_ =
      std::stable_partition(order_.begin(), order_.end(), possible) - order_.begin();
  const auto n = static_cast<int64_t>(users_.size());
  if (n_with_negatives_ == n) order_ = {};
  set_samples(std::move(fields), n + n_with_negatives_ * s.negatives);
}

namespace {

template <class T>
void write_as(const std::vector<int64_t>& ids, size_t n, T* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<T>(ids[i]);
}

void write_ids(const std::vector<int64_t>& ids, size_t n, const Tensor& out, int64_t at) {
  if (out.dtype() == DType::i32) {
    write_as(ids, n, out.data<int32_t>() + at);
  } else {
    write_as(ids, n, out.data<int64_t>() + at);
  }
}

}  // namespace

void NegativeSamplingDataset::gather(std::span<const int64_t> samples, int64_t epoch,
                                     BatchBuffer& out, int64_t at) {
  const int64_t group = 1 + sampling_.negatives, n_grouped = n_with_negatives_ * group;
  const Philox philox{negatives_key(options().seed, epoch)};
  const size_t n = samples.size(), last = out.tensors().size() - (weights_.empty() ? 1 : 2);
  batch_users_.resize(std::max(batch_users_.size(), n));
  batch_items_.resize(std::max(batch_items_.size(), n));
  float* labels = out.tensors()[last].data<float>() + at;
  float* weights = weights_.empty() ? nullptr : out.tensors()[last + 1].data<float>() + at;
  drawn_.clear();
  for (size_t i = 0; i < n; ++i) {
    const int64_t sample = samples[i];
    const bool grouped = sample < n_grouped;
    const int64_t rank = grouped ? sample / group : sample - n_grouped + n_with_negatives_;
    const bool positive = !grouped || sample % group == 0;
    const auto p = static_cast<size_t>(order_.empty() ? rank : order_[static_cast<size_t>(rank)]);
    batch_users_[i] = users_[p];
    batch_items_[i] = items_[p];
    if (!positive) drawn_.add(i, users_[p], negative_bits(philox, sample));
    labels[i] = positive ? 1.0F : 0.0F;
    if (weights != nullptr) weights[i] = weights_[p];
  }
  drawn_.items.resize(drawn_.rows.size());
  sampler_->sample(drawn_.users, drawn_.random, drawn_.items);
  for (size_t k = 0; k < drawn_.rows.size(); ++k) batch_items_[drawn_.rows[k]] = drawn_.items[k];
  write_ids(batch_users_, n, out.tensors()[0], at);
  write_ids(batch_items_, n, out.tensors()[1], at);
  size_t next = 2;
  if (sampling_.history != nullptr)
    sampling_.history->fill({batch_users_.data(), n}, {batch_items_.data(), n},
                            out.tensors()[next++], at);
  for (const SideTable& t : sampling_.side_tables)
    copy_rows(t.table, {t.by_item ? batch_items_.data() : batch_users_.data(), n},
              out.tensors()[next++], at);
}

}  // namespace andiron::train
