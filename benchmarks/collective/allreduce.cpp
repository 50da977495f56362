// Andiron's allreduce beside Gloo's, in the same processes over loopback, round by round:
//   make bench ROWS=allreduce, or, with Debian's libgloo-dev,
//   cmake --preset release && ninja -C build/release allreduce_benchmark
//   build/release/allreduce_benchmark [min_bytes max_bytes [ranks [pinned]]]
// Gloo's answer is the best of its ring, bcube and halving-doubling at each size. CPU time is a
// process's, all of its threads, mean over the ranks: other programs on the machine do not change
// it much, while times of calls are theirs too.
#include <fmt/format.h>
#include <gloo/allreduce.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "andiron/collective/communicator.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using andiron::collective::Communicator;
using andiron::collective::Listener;

struct Way {
  std::string name;
  std::function<void(float*, size_t)> run;
  std::vector<double> seconds{};  // one call, by round
  std::vector<double> cpu{};      // a process's, of one call
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + t.tv_usec * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// theirs / ours of each round: "1.20 (1.10-1.31)", the median and the quartiles.
std::string ratio_text(const std::vector<double>& theirs, const std::vector<double>& ours) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(theirs[i] / ours[i]);
  std::sort(ratios.begin(), ratios.end());
  const size_t n = ratios.size();
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", ratios[n / 2], ratios[n / 4], ratios[n * 3 / 4]);
}

std::shared_ptr<gloo::Context> gloo_context(int rank, int size, const std::string& folder) {
  gloo::transport::tcp::attr attr;
  attr.hostname = "127.0.0.1";
  auto device = gloo::transport::tcp::CreateDevice(attr);
  gloo::rendezvous::FileStore store(folder);
  auto context = std::make_shared<gloo::rendezvous::Context>(rank, size);
  context->connectFullMesh(store, device);
  return context;
}

void gloo_allreduce(const std::shared_ptr<gloo::Context>& context,
                    gloo::AllreduceOptions::Algorithm algorithm, float* data, size_t n) {
  gloo::AllreduceOptions options(context);
  options.setAlgorithm(algorithm);
  options.setOutput(data, n);
  options.setReduceFunction(
      static_cast<void (*)(void*, const void*, const void*, size_t)>(&gloo::sum<float>));
  gloo::allreduce(options);
}

std::string size_text(size_t bytes) {
  if (bytes >= 1 << 20) return std::to_string(bytes >> 20) + " MB";
  return std::to_string(bytes >> 10) + " KB";
}

void print_row(int ranks, size_t bytes, const std::vector<Way>& ways) {
  const Way* best = &ways[1];
  for (size_t w = 2; w < ways.size(); ++w)
    if (median(ways[w].seconds) < median(best->seconds)) best = &ways[w];
  const Way& ours = ways[0];
  fmt::print("| {} | {} | {:.1f} | {:.1f} | {} | {} | {:.1f} | {:.1f} | {} |\n", ranks,
             size_text(bytes), median(ours.seconds) * 1e6, median(best->seconds) * 1e6, best->name,
             ratio_text(best->seconds, ours.seconds), median(ours.cpu) * 1e6,
             median(best->cpu) * 1e6, ratio_text(best->cpu, ours.cpu));
  std::fflush(stdout);
}

void measure(Communicator& comm, const std::shared_ptr<gloo::Context>& context, size_t bytes) {
  const size_t n = bytes / sizeof(float);
  std::vector<float> data(n, 0.0F);
  std::vector<Way> ways;
  ways.push_back({"andiron", [&](float* x, size_t count) {
                    comm.allreduce(std::span(x, count)).value_or_throw();
                  }});
  using Algorithm = gloo::AllreduceOptions::Algorithm;
  for (const auto& [name, algorithm] :
       {std::pair("ring", Algorithm::RING), std::pair("bcube", Algorithm::BCUBE)})
    ways.push_back({name, [&context, algorithm = algorithm](float* x, size_t count) {
                      gloo_allreduce(context, algorithm, x, count);
                    }});
  gloo::AllreduceHalvingDoubling<float> halving(context, {data.data()}, static_cast<int>(n));
  ways.push_back({"halving-doubling", [&](float*, size_t) { halving.run(); }});

  const int rounds = bytes >= 64 << 20 ? 11 : 21;
  const int calls = std::max<int>(1, std::min<int>(100, static_cast<int>((8 << 20) / bytes)));
  for (int round = 0; round <= rounds; ++round) {
    for (size_t w = 0; w < ways.size(); ++w) {
      Way& way = ways[(w + static_cast<size_t>(round)) % ways.size()];
      comm.barrier().value_or_throw();
      const double cpu = cpu_seconds();
      const auto start = Clock::now();
      for (int c = 0; c < calls; ++c) way.run(data.data(), n);
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count() / calls;
      if (round == 0) continue;  // warms up
      way.seconds.push_back(seconds);
      way.cpu.push_back((cpu_seconds() - cpu) / calls);
    }
  }
  for (Way& way : ways) {
    comm.allreduce(std::span(way.cpu)).value_or_throw();
    for (double& cpu : way.cpu) cpu /= comm.size();
  }
  if (comm.rank() == 0) print_row(comm.size(), bytes, ways);
}

// Where other programs run, too, a rank that was asleep wakes up on the core of the rank that sent
// to it, though that one is busy: pinned, the ranks share the cores as they would on a quiet
// machine.
void pin(int rank) {
  cpu_set_t core;
  CPU_ZERO(&core);
  CPU_SET(static_cast<size_t>(rank) % std::thread::hardware_concurrency(), &core);
  sched_setaffinity(0, sizeof core, &core);
}

void run_rank(int rank, std::vector<Listener>& listeners, const std::vector<std::string>& addresses,
              const std::string& folder, size_t min_bytes, size_t max_bytes) {
  auto comm = Communicator::connect(std::move(listeners[static_cast<size_t>(rank)]), rank,
                                    addresses, "a secret for benchmarks", "benchmark", 0)
                  .value_or_throw();
  const auto context = gloo_context(rank, static_cast<int>(addresses.size()), folder);
  for (size_t bytes = min_bytes; bytes <= max_bytes; bytes *= 4) measure(*comm, context, bytes);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t min_bytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1 << 10;
  const size_t max_bytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 256 << 20;
  fmt::print(
      "| ranks | bytes | Andiron, us | Gloo, us | Gloo's best | ratio (quartiles) | Andiron's CPU, "
      "us "
      "| Gloo's CPU, us | ratio (quartiles) |\n|---|---|---|---|---|---|---|---|---|\n");
  std::fflush(stdout);
  const int only = argc > 3 ? std::atoi(argv[3]) : 0;
  const bool pinned = argc > 4 && std::string(argv[4]) == "pinned";
  for (const int ranks : {2, 4}) {
    if (only != 0 && ranks != only) continue;
    char folder[] = "/tmp/allreduce_benchmark_XXXXXX";
    if (mkdtemp(folder) == nullptr) return 1;
    std::vector<Listener> listeners;
    std::vector<std::string> addresses;
    for (int r = 0; r < ranks; ++r) {
      listeners.push_back(Listener::bind("127.0.0.1").value_or_throw());
      addresses.push_back(listeners.back().address());
    }
    std::vector<pid_t> children;
    for (int r = 0; r < ranks; ++r) {
      const pid_t child = fork();
      if (child == 0) {
        if (pinned) pin(r);
        try {
          run_rank(r, listeners, addresses, folder, min_bytes, max_bytes);
        } catch (const std::exception& e) {
          std::fprintf(stderr, "rank %d: %s\n", r, e.what());
          _exit(1);
        }
        _exit(0);
      }
      children.push_back(child);
    }
    listeners.clear();
    bool failed = false;
    for (const pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      failed |= status != 0;
    }
    std::filesystem::remove_all(folder);
    if (failed) return 1;
  }
  return 0;
}
