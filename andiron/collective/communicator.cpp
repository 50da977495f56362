#include "andiron/collective/communicator.hpp"

#include "andiron/base/waiting.hpp"
#include "andiron/collective/network.hpp"
#include "andiron/collective/queue.hpp"
#include "andiron/collective/tcp_transport.hpp"

namespace andiron::collective {

bool Request::done() const {
  std::lock_guard lock(state_->mutex);
  return state_->done;
}

bool Request::wait_for(std::chrono::milliseconds time) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, time, [&] { return state_->done; });
}

Result<> Request::wait() const {
  std::unique_lock lock(state_->mutex);
  wait_until(state_->changed, lock, [&] { return state_->done; });
  return state_->result;
}

struct Communicator::Impl {
  explicit Impl(Options o) : options(std::move(o)) {}

  ~Impl() { end(); }

  Fate& fate() { return transport->fate(); }

  void start(uint64_t run_key) {
    std::function<void(uint64_t)> begun;
    if (network != nullptr) begun = [this](uint64_t n) { network->set_sequence(n); };
    queue = std::make_unique<Queue>(*transport, options, run_key, std::move(begun));
  }

  void end() {
    if (queue != nullptr) {
      const int r = transport->rank();
      const size_t n = queue->pending();
      if (n > 0)
        fate().fail(
            {FaultKind::aborted, r,
             failure("rank {} closed its communicator with {} collectives under way", r, n)});
      else
        fate().fail({FaultKind::closed, r, failure("rank {} closed its communicator", r)});
      queue->stop();
    }
    if (network != nullptr) refused = network->refused();
    network.reset();
  }

  Task task(Kind kind, Element element, size_t total, Label label, Wire wire = Wire::same,
            int root = 0) const {
    Task t;
    t.header.kind = kind;
    t.header.element = element;
    t.header.wire = wire;
    t.header.step = label.step;
    t.header.bucket = label.bucket;
    t.header.total = total;
    t.header.root = static_cast<uint32_t>(root);
    return t;
  }

  Task allreduce(Element element, std::span<std::byte> data, Label label, Wire wire) const {
    if (element == Element::bytes) fail("[allreduce] bytes cannot be added up");
    if (data.size() % size_of(element) != 0)
      fail("[allreduce] {} bytes are not a number of {}", data.size(), name_of(element));
    if (wire == Wire::bf16 && element != Element::f32)
      fail("[allreduce] bfloat16 on the wire is for float32; the data are {}", name_of(element));
    Task t = task(Kind::allreduce, element, data.size(), label, wire);
    t.data = data;
    return t;
  }

  Task allgather(std::span<const std::byte> mine, Gathered& out, Label label) const {
    Task t = task(Kind::allgather, Element::bytes, 0, label);
    t.mine = mine;
    t.gathered = &out;
    return t;
  }

  Task allgather(Slots& slots, Label label) const {
    const auto n = static_cast<size_t>(transport->size());
    const auto r = static_cast<size_t>(transport->rank());
    if (slots.memory.size() != n * slots.slot || slots.sizes.size() != n ||
        slots.sizes[r] > slots.slot)
      fail(
          "[allgather] {} ranks need as many slots and sizes that fit; got {} bytes in slots of {}",
          n, slots.memory.size(), slots.slot);
    Task t = task(Kind::allgather, Element::bytes, 0, label);
    t.slots = &slots;
    return t;
  }

  Task broadcast(std::span<std::byte> data, int root, Label label) const {
    if (root < 0 || root >= transport->size())
      fail("[broadcast] root={} is no rank of {}", root, transport->size());
    Task t = task(Kind::broadcast, Element::bytes, data.size(), label, Wire::same, root);
    t.data = data;
    return t;
  }

  Task barrier(Label label) const { return task(Kind::barrier, Element::bytes, 0, label); }

  Options options;
  std::unique_ptr<Fate> own_fate;
  std::unique_ptr<Network> network;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Queue> queue;
  std::vector<std::string> refused;
};

Communicator::Communicator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Communicator::Communicator(std::unique_ptr<Transport> transport, Options options, uint64_t run_key)
    : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->transport = std::move(transport);
  impl_->start(run_key);
}

Communicator::~Communicator() = default;

Result<std::unique_ptr<Communicator>> Communicator::connect(
    Listener listener, int rank, const std::vector<std::string>& addresses, std::string secret,
    std::string run_id, uint64_t attempt, Options options, std::optional<Fault>* fault) {
  const int size = static_cast<int>(addresses.size());
  if (rank < 0 || rank >= size) fail("[Communicator] rank={} is no rank of {}", rank, size);
  if (secret.size() < 16)
    fail("[Communicator] the secret has 16 bytes at least; got {}", secret.size());
  if (run_id.empty()) fail("[Communicator] the run id is empty");
  if (!listener.open()) fail("[Communicator] the listener is closed or was used already");
  Membership me{rank, size, std::move(run_id), attempt, std::move(secret)};
  const uint64_t run_key = me.run_key();
  const std::string run = me.run_id;
  auto impl = std::make_unique<Impl>(options);
  impl->own_fate = std::make_unique<Fate>();
  Fate& fate = *impl->own_fate;
  Result<std::unique_ptr<Network>> network =
      Network::join(std::move(listener), addresses, std::move(me), std::move(options), fate);
  if (!network && fault != nullptr) *fault = fate.fault();
  if (!network)
    return because(network.failure(),
                   "[Communicator] rank {} of {} cannot join run '{}', attempt {}", rank, size, run,
                   attempt);
  impl->network = std::move(network).value();
  auto transport = std::make_unique<TcpTransport>(rank, fate, impl->network->take_data_streams());
  transport->set_suspect([network = impl->network.get()] { return network->hindmost(); });
  impl->transport = std::move(transport);
  impl->start(run_key);
  return std::unique_ptr<Communicator>(new Communicator(std::move(impl)));
}

int Communicator::rank() const { return impl_->transport->rank(); }
int Communicator::size() const { return impl_->transport->size(); }

Result<> Communicator::allreduce(Element element, std::span<std::byte> data, Label label,
                                 Wire wire) {
  return impl_->queue->run(impl_->allreduce(element, data, label, wire));
}
Request Communicator::allreduce_start(Element element, std::span<std::byte> data, Label label,
                                      Wire wire) {
  return impl_->queue->start(impl_->allreduce(element, data, label, wire));
}

Result<> Communicator::allgather(std::span<const std::byte> mine, Gathered& out, Label label) {
  return impl_->queue->run(impl_->allgather(mine, out, label));
}
Request Communicator::allgather_start(std::span<const std::byte> mine, Gathered& out, Label label) {
  return impl_->queue->start(impl_->allgather(mine, out, label));
}
Result<> Communicator::allgather(Slots& slots, Label label) {
  return impl_->queue->run(impl_->allgather(slots, label));
}
Request Communicator::allgather_start(Slots& slots, Label label) {
  return impl_->queue->start(impl_->allgather(slots, label));
}

Result<> Communicator::broadcast(std::span<std::byte> data, int root, Label label) {
  return impl_->queue->run(impl_->broadcast(data, root, label));
}
Request Communicator::broadcast_start(std::span<std::byte> data, int root, Label label) {
  return impl_->queue->start(impl_->broadcast(data, root, label));
}

Result<> Communicator::broadcast_bytes(std::vector<std::byte>& data, int root, Label label) {
  uint64_t size = data.size();
  Result<> told = broadcast(std::as_writable_bytes(std::span(&size, 1)), root, label);
  if (!told) return told;
  data.resize(size);
  return broadcast(data, root, label);
}

Result<> Communicator::barrier(Label label) { return impl_->queue->run(impl_->barrier(label)); }
Request Communicator::barrier_start(Label label) {
  return impl_->queue->start(impl_->barrier(label));
}

void Communicator::abort(const std::string& why) {
  impl_->fate().fail({FaultKind::aborted, rank(), failure("{}", why)});
}

void Communicator::close() { impl_->end(); }

std::optional<Fault> Communicator::fault() const {
  if (!impl_->fate().failed()) return std::nullopt;
  return impl_->fate().fault();
}

Costs Communicator::costs() const { return impl_->queue->costs(); }

std::vector<std::string> Communicator::refused() const {
  return impl_->network != nullptr ? impl_->network->refused() : impl_->refused;
}

}  // namespace andiron::collective
