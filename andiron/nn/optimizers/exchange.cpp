#include "andiron/nn/optimizers/exchange.hpp"

#include "andiron/ops/host/exchange.hpp"

namespace andiron::nn {

namespace {

const TensorType kToken = {DType::i32, {1}};

// Where the plan has not given a result its source's memory.
void bring(std::span<const Tensor> src, std::span<Tensor> dst) {
  for (size_t i = 0; i < dst.size(); ++i)
    if (dst[i].raw() != src[i].raw()) dst[i].copy_from(src[i]);
}

Value first_token() { return constant(Tensor::zeros(DType::i32, {1})); }

}  // namespace

std::vector<Value> ExchangeBuilder::sum(const std::vector<Value>& values, bool exact) {
  const uint32_t bucket = bucket_++;
  if (!token_.defined()) token_ = first_token();
  std::vector<Value> src = values;
  std::vector<TensorType> types;
  for (const Value& v : values) types.push_back(v.type());
  src.push_back(token_);
  HostFunction start{.name = "sum_start", .outputs = types, .call = {}};
  start.outputs.push_back(kToken);
  start.call = [exchange = exchange_, bucket, exact](std::span<const Tensor> src,
                                                     std::span<Tensor> dst) {
    bring(src, dst);
    exchange->sum_start(bucket, dst.first(dst.size() - 1), exact);
  };
  std::vector<Value> started = ops::exchange_start(src, std::move(start));
  token_ = started.back();
  started.pop_back();
  HostFunction wait{.name = "sum_wait", .outputs = types, .call = {}};
  wait.call = [exchange = exchange_, bucket](std::span<const Tensor> src, std::span<Tensor> dst) {
    exchange->sum_wait(bucket);
    bring(src, dst);
  };
  return ops::exchange_wait(started, std::move(wait));
}

ExchangeBuilder::Rows ExchangeBuilder::gather(const ops::Dedup& d, const std::vector<Value>& values,
                                              int64_t most) {
  const uint32_t bucket = bucket_++;
  if (!token_.defined()) token_ = first_token();
  const Dim n = exchange_->workers() * most;
  std::vector<TensorType> types;
  for (const Value& v : values) types.push_back({v.dtype(), {n, v.shape()[1]}});
  types.push_back({DType::i32, {n}});
  HostFunction start{.name = "rows_start", .outputs = types, .call = {}};
  start.outputs.push_back(kToken);
  start.call = [exchange = exchange_, bucket](std::span<const Tensor> src, std::span<Tensor> dst) {
    const size_t k = dst.size() - 2;  // tables
    exchange->gather_start(bucket, *src[k].data<int32_t>(), src[k + 1], src.first(k), dst[k],
                           dst.first(k));
    *dst[k + 1].data<int32_t>() = 0;
  };
  std::vector<Value> src = values;
  src.insert(src.end(), {d.count, d.rows, token_});
  std::vector<Value> started = ops::exchange_start(src, std::move(start));
  token_ = started.back();
  started.pop_back();
  HostFunction wait{.name = "rows_wait", .outputs = types, .call = {}};
  wait.call = [exchange = exchange_, bucket](std::span<const Tensor> src, std::span<Tensor> dst) {
    exchange->gather_wait(bucket);
    bring(src, dst);
  };
  std::vector<Value> all = ops::exchange_wait(started, std::move(wait));
  Rows rows{all.back(), std::move(all)};
  rows.values.pop_back();
  return rows;
}

}  // namespace andiron::nn
