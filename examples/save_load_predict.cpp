// Train, save to one file, load it in another place and predict. The file is a safetensors file:
// the weights open in Python's safetensors, the architecture stands in its metadata.
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "andiron/andiron.hpp"

using namespace andiron;

int main() {
  // Does a user like an item? Made-up tastes: they do when their numbers have the same parity.
  const int64_t n_users = 20, n_items = 30, n = n_users * n_items;
  Tensor users(DType::i32, {n}), items(DType::i32, {n}), likes(DType::f32, {n});
  for (int64_t i = 0; i < n; ++i) {
    users.data<int32_t>()[i] = static_cast<int32_t>(i / n_items);
    items.data<int32_t>()[i] = static_cast<int32_t>(i % n_items);
    likes.data<float>()[i] = (i / n_items + i % n_items) % 2 == 0 ? 1.0F : 0.0F;
  }

  auto user = nn::Input({}, {.name = "user", .dtype = DType::i32});
  auto item = nn::Input({}, {.name = "item", .dtype = DType::i32});
  auto u = nn::Embedding(n_users, 8)(user);
  auto v = nn::Embedding(n_items, 8)(item);
  auto h = nn::Dense(16, {.activation = "relu"})(nn::Concatenate()({u, v}));
  auto y = nn::Dense(1, {.activation = "sigmoid", .name = "likes"})(h);
  auto model = nn::Model({user, item}, {y});
  std::fputs(model->summary().c_str(), stdout);

  nn::CompiledModel training(model, {.optimizer = nn::Adam({.learning_rate = 0.02}),
                                     .losses = {nn::BinaryCrossentropy()}});
  for (int step = 1; step <= 200; ++step) {
    const double loss = training.train_on_batch({{users, items}, {likes}}).loss;
    if (step % 50 == 0) std::printf("step %3d  loss %.4f\n", step, loss);
  }
  training.catch_up();

  const std::string path =
      (std::filesystem::temp_directory_path() / "andiron_likes.safetensors").string();
  nn::save_model(*model, path).value_or_throw();
  auto loaded = nn::load_model(path).value_or_throw().model;
  std::filesystem::remove(path);

  const Tensor before = nn::Predictor(model).predict({users, items})[0];
  const Tensor after = nn::Predictor(loaded).predict({users, items})[0];
  int right = 0;
  bool same = true;
  for (int64_t i = 0; i < n; ++i) {
    right += (after.item(i) > 0.5) == (likes.item(i) > 0.5);
    same &= before.item(i) == after.item(i);
  }
  std::printf("%d of %d right; the loaded model gives the same numbers: %s\n", right,
              static_cast<int>(n), same ? "yes" : "no");
  return same && right == n ? 0 : 1;
}
