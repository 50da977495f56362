#include <algorithm>
#include <cmath>
#include <iostream>

#include "andiron/base/error.hpp"
#include "andiron/train/callbacks.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {

namespace {

constexpr int kWidth = 20;
constexpr auto kBetween = std::chrono::milliseconds(100);

std::string duration(double seconds) {
  if (seconds >= 3600)
    return fmt::format("{}:{:02}:{:02}", static_cast<int>(seconds) / 3600,
                       static_cast<int>(seconds) / 60 % 60, static_cast<int>(seconds) % 60);
  if (seconds >= 60)
    return fmt::format("{}:{:02}", static_cast<int>(seconds) / 60, static_cast<int>(seconds) % 60);
  if (seconds >= 1) return fmt::format("{:.0f}s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.0f}ms", seconds * 1e3);
  return fmt::format("{:.0f}us", seconds * 1e6);
}

std::string figure(double value) {
  const double size = std::abs(value);
  return size != 0.0 && (size < 1e-3 || size >= 1e6) ? fmt::format("{:.4e}", value)
                                                     : fmt::format("{:.4f}", value);
}

}  // namespace

ProgressBar::ProgressBar(int verbose, Write write) : verbose_(verbose), write_(std::move(write)) {
  if (!write_) write_ = [](const std::string& text) { std::cout << text << std::flush; };
}

void ProgressBar::on_epoch_begin(int64_t epoch) {
  start_ = shown_ = Clock::now();
  first_ = -1;
  done_ = 0;
  if (verbose_ == 1) write_(fmt::format("Epoch {}/{}\n", epoch + 1, trainer_->epochs()));
}

std::string ProgressBar::line(int64_t done, const Logs& logs, bool final) const {
  // A source of unknown length is known at the end of its epoch.
  const bool known = final || trainer_->batches() != BatchSource::kUnknown;
  const int64_t total = std::max<int64_t>(final ? done : trainer_->batches(), 1);
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double step =
      seconds / static_cast<double>(std::max<int64_t>(done - std::max<int64_t>(first_, 0), 1));
  std::string text = known ? fmt::format("{}/{} ", done, total) : fmt::format("{}/Unknown ", done);
  if (verbose_ == 1 && known) {
    const int full = static_cast<int>(done * kWidth / total);
    for (int i = 0; i < kWidth; ++i) text += i < full ? "━" : "─";
    text += " ";
  } else {
    text += "- ";
  }
  text += final || !known ? fmt::format("{} {}/step", duration(seconds), duration(step))
                          : duration(step * static_cast<double>(total - done));
  for (const auto& [name, value] : logs) text += fmt::format(" - {}: {}", name, figure(value));
  return text;
}

void ProgressBar::on_train_batch_end(int64_t batch, const Logs& logs) {
  if (first_ < 0) first_ = batch;
  done_ = batch + 1;
  if (verbose_ != 1) return;
  const Clock::time_point now = Clock::now();
  if (now - shown_ < kBetween) return;
  shown_ = now;
  write_("\r\033[K" + line(batch + 1, logs, false));
}

void ProgressBar::on_epoch_end(int64_t epoch, const Logs& logs) {
  const int64_t done = done_ > 0 ? done_ : std::max<int64_t>(trainer_->batches(), 1);
  const std::string before =
      verbose_ == 1 ? "\r\033[K" : fmt::format("Epoch {}/{} - ", epoch + 1, trainer_->epochs());
  write_(before + line(done, logs, true) + "\n");
}

}  // namespace andiron::train
