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

std::vector<Value> ExchangeBuilder::sum(const std::vector<Value>& values) {
  const uint32_t bucket = bucket_++;
  if (!token_.defined()) token_ = first_token();
  std::vector<Value> src = values;
  std::vector<TensorType> types;
  for (const Value& v : values) types.push_back(v.type());
  src.push_back(token_);
  HostFunction start{.name = "sum_start", .outputs = types, .call = {}};
  start.outputs.push_back(kToken);
  start.call = [exchange = exchange_, bucket](std::span<const Tensor> src, std::span<Tensor> dst) {
    bring(src, dst);
    exchange->sum_start(bucket, dst.first(dst.size() - 1));
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

ExchangeBuilder::Rows ExchangeBuilder::gather(const ops::Dedup& d, const Value& values,
                                              int64_t most) {
  const uint32_t bucket = bucket_++;
  if (!token_.defined()) token_ = first_token();
  HostFunction start{.name = "rows_start", .outputs = {kToken}, .call = {}};
  start.call = [exchange = exchange_, bucket](std::span<const Tensor> src, std::span<Tensor> dst) {
    exchange->gather_start(bucket, src[1], src[2], *src[3].data<int32_t>());
    *dst[0].data<int32_t>() = 0;
  };
  token_ = ops::exchange_start({token_, d.rows, values, d.count}, std::move(start))[0];

  const int64_t n = exchange_->workers() * most;
  HostFunction wait{.name = "rows_wait",
                    .outputs = {{DType::i32, {n}}, {values.dtype(), {n, values.shape()[1]}}},
                    .call = {}};
  wait.call = [exchange = exchange_, bucket](std::span<const Tensor>, std::span<Tensor> dst) {
    exchange->gather_wait(bucket, dst[0], dst[1]);
  };
  const std::vector<Value> all = ops::exchange_wait({token_}, std::move(wait));
  return {all[0], all[1]};
}

}  // namespace andiron::nn
