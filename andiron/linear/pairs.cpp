#include "andiron/linear/pairs.hpp"

#include "andiron/linear/loss_rows.hpp"

namespace andiron::linear {

double dot(const Vector& a, const Vector& b) {
  return loss_rows().dot(a.data(), b.data(), std::ssize(a));
}

void add(Vector& a, double t, const Vector& b) {
  loss_rows().add_scaled(a.data(), static_cast<float>(t), b.data(), std::ssize(a), a.data());
}

void Pairs::push(Pair pair) {
  if (pairs_.size() == most_) pairs_.pop_front();
  pairs_.push_back(std::move(pair));
}

Vector Pairs::direction(const Vector& g) const {
  Vector q = g;
  std::vector<double> alphas(pairs_.size());
  for (size_t i = pairs_.size(); i-- > 0;) {
    alphas[i] = pairs_[i].rho * dot(pairs_[i].step, q);
    add(q, -alphas[i], pairs_[i].change);
  }
  const double scale =
      pairs_.empty() ? -1.0
                     : -1.0 / (pairs_.back().rho * dot(pairs_.back().change, pairs_.back().change));
  for (float& x : q) x = static_cast<float>(static_cast<double>(x) * scale);
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const double beta = pairs_[i].rho * dot(pairs_[i].change, q);
    add(q, -alphas[i] - beta, pairs_[i].step);
  }
  return q;
}

}  // namespace andiron::linear
