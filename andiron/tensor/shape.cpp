#include "andiron/tensor/shape.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"

namespace andiron {

// A product of symbols with a coefficient, plus further such terms: c1*a*b + c2*a + c0, kept as
// sorted terms so that equal expressions have equal text.
struct Dim::Expr {
  std::map<std::vector<std::string>, int64_t> terms;
  std::string text;

  explicit Expr(std::map<std::vector<std::string>, int64_t> t) : terms(std::move(t)) {
    for (const auto& [symbols, coefficient] : terms) {
      if (!text.empty()) text += "+";
      bool first = coefficient == 1 && !symbols.empty();
      if (!first) text += std::to_string(coefficient);
      for (const auto& symbol : symbols) {
        if (!first) text += "*";
        text += symbol;
        first = false;
      }
    }
  }
};

namespace {
using Terms = std::map<std::vector<std::string>, int64_t>;

// Sizes come from files, too.
int64_t checked_sum(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) fail("[shape] the size {} + {} is too large", a, b);
  return out;
}

int64_t checked_product(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) fail("[shape] the size {} * {} is too large", a, b);
  return out;
}

// The most negative number by -1 has no quotient, and the CPU ends the process for it.
bool divides(int64_t divisor, int64_t number) {
  return divisor != 0 && (divisor == -1 ? number != INT64_MIN : number % divisor == 0);
}

// A sum of five symbols to the power of 64 has a million terms.
constexpr size_t kMaxTerms = 256;

}  // namespace

Dim Dim::symbol(std::string name) {
  Dim d;
  d.expr_ = std::make_shared<Expr>(Terms{{{std::move(name)}, 1}});
  return d;
}

int64_t Dim::size() const {
  ANDIRON_ASSERT(known());
  return size_;
}

std::string Dim::str() const { return known() ? std::to_string(size_) : expr_->text; }

bool operator==(const Dim& a, const Dim& b) {
  if (a.known() != b.known()) return false;
  return a.known() ? a.size_ == b.size_ : (a.expr_ == b.expr_ || a.expr_->text == b.expr_->text);
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.known() && b.known()) return checked_sum(a.size_, b.size_);
  Terms sum;
  for (const Dim* d : {&a, &b}) {
    if (d->known()) {
      if (d->size_ != 0) sum[{}] = checked_sum(sum[{}], d->size_);
    } else {
      for (const auto& [symbols, c] : d->expr_->terms) sum[symbols] = checked_sum(sum[symbols], c);
    }
  }
  std::erase_if(sum, [](const auto& term) { return term.second == 0; });
  if (sum.empty()) return 0;
  if (sum.size() == 1 && sum.begin()->first.empty()) return sum.begin()->second;
  Dim out;
  out.expr_ = std::make_shared<Dim::Expr>(std::move(sum));
  return out;
}

Dim operator*(const Dim& a, const Dim& b) {
  if (a.known() && b.known()) return checked_product(a.size_, b.size_);
  if (a.known() && a.size_ == 0) return 0;
  if (b.known() && b.size_ == 0) return 0;
  const Terms constant_a{{{}, a.size_}}, constant_b{{{}, b.size_}};
  const Terms& ta = a.known() ? constant_a : a.expr_->terms;
  const Terms& tb = b.known() ? constant_b : b.expr_->terms;
  Terms product;
  for (const auto& [sa, ca] : ta) {
    for (const auto& [sb, cb] : tb) {
      std::vector<std::string> symbols = sa;
      symbols.insert(symbols.end(), sb.begin(), sb.end());
      std::sort(symbols.begin(), symbols.end());
      product[symbols] = checked_sum(product[symbols], checked_product(ca, cb));
      if (product.size() > kMaxTerms)
        fail("[shape] the size ({}) * ({}) has more than {} terms", a.str(), b.str(), kMaxTerms);
    }
  }
  Dim out;
  out.expr_ = std::make_shared<Dim::Expr>(std::move(product));
  return out;
}

Dim operator/(const Dim& a, const Dim& b) {
  if (b == Dim(1)) return a;
  if (a == b) return 1;
  if (a.known() && b.known()) {
    if (!divides(b.size_, a.size_)) fail("{} is not divisible by {}", a.size_, b.size_);
    return a.size_ / b.size_;
  }
  Terms quotient;
  std::vector<std::string> divisor_symbols;
  int64_t divisor = b.size_;
  if (!b.known()) {
    if (b.expr_->terms.size() != 1) fail("{} is not divisible by {}", a.str(), b.str());
    divisor_symbols = b.expr_->terms.begin()->first;
    divisor = b.expr_->terms.begin()->second;
  }
  if (a.known()) fail("{} is not divisible by {}", a.str(), b.str());
  for (const auto& [symbols, c] : a.expr_->terms) {
    if (!divides(divisor, c) || !std::includes(symbols.begin(), symbols.end(),
                                               divisor_symbols.begin(), divisor_symbols.end())) {
      fail("{} is not divisible by {}", a.str(), b.str());
    }
    std::vector<std::string> rest;
    std::set_difference(symbols.begin(), symbols.end(), divisor_symbols.begin(),
                        divisor_symbols.end(), std::back_inserter(rest));
    quotient[rest] += c / divisor;
  }
  if (quotient.size() == 1 && quotient.begin()->first.empty()) return quotient.begin()->second;
  Dim out;
  out.expr_ = std::make_shared<Dim::Expr>(std::move(quotient));
  return out;
}

Dim Dim::bind(const std::map<std::string, int64_t>& sizes) const {
  if (known()) return *this;
  Dim out = 0;
  for (const auto& [symbols, c] : expr_->terms) {
    Dim term = c;
    for (const auto& symbol : symbols) {
      auto it = sizes.find(symbol);
      term = term * (it == sizes.end() ? Dim::symbol(symbol) : Dim(it->second));
    }
    out = out + term;
  }
  return out;
}

bool Dim::mentions(std::string_view symbol) const {
  if (known()) return false;
  for (const auto& [symbols, c] : expr_->terms)
    if (std::find(symbols.begin(), symbols.end(), symbol) != symbols.end()) return true;
  return false;
}

int64_t Dim::multiple_of(std::string_view symbol) const {
  if (known() || expr_->terms.size() != 1) return 0;
  const auto& [symbols, c] = *expr_->terms.begin();
  return symbols.size() == 1 && symbols[0] == symbol ? c : 0;
}

bool Shape::known() const {
  return std::all_of(begin(), end(), [](const Dim& d) { return d.known(); });
}

Sizes Shape::sizes() const {
  Sizes out;
  out.reserve(size());
  for (const Dim& d : *this) out.push_back(d.size());
  return out;
}

Dim Shape::count() const {
  Dim n = 1;
  for (const Dim& d : *this) n = n * d;
  return n;
}

std::string Shape::str() const {
  std::string text = "[";
  for (size_t i = 0; i < size(); ++i) {
    if (i > 0) text += ',';
    text += (*this)[i].str();
  }
  return text += ']';
}

Shape Shape::bind(const std::map<std::string, int64_t>& sizes) const {
  Shape out;
  for (const Dim& d : *this) out.push_back(d.bind(sizes));
  return out;
}

bool Shape::mentions(std::string_view symbol) const {
  return std::any_of(begin(), end(), [&](const Dim& d) { return d.mentions(symbol); });
}

int64_t count_of(const Sizes& sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  return n;
}

Sizes dense_strides(const Sizes& sizes) {
  Sizes strides(sizes.size());
  uint64_t step = 1;  // a tensor without elements may have sizes whose product wraps around
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = static_cast<int64_t>(step);
    step *= static_cast<uint64_t>(std::max<int64_t>(sizes[i], 1));
  }
  return strides;
}

std::string str(const Sizes& sizes) { return Shape(sizes).str(); }

Shape broadcast(std::string_view op, const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const size_t lead = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    const Dim& x = longer[lead + i];
    const Dim& y = shorter[i];
    if (x == y || y == Dim(1)) continue;
    if (x == Dim(1)) {
      out[lead + i] = y;
    } else {
      fail("[{}] shapes {} and {} do not broadcast: axis {} has {} and {}", op, a.str(), b.str(),
           lead + i, x.str(), y.str());
    }
  }
  return out;
}

int64_t normalize_axis(std::string_view op, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    fail("[{}] axis={} is out of range for a value of rank {}", op, axis, rank);
  return axis < 0 ? axis + rank : axis;
}

std::vector<int64_t> normalize_axes(std::string_view op, const std::vector<int64_t>& axes,
                                    int64_t rank) {
  std::vector<int64_t> out;
  if (axes.empty()) {
    for (int64_t i = 0; i < rank; ++i) out.push_back(i);
    return out;
  }
  for (int64_t a : axes) out.push_back(normalize_axis(op, a, rank));
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end())
    fail("[{}] axes {} name an axis twice", op, str(axes));
  return out;
}

}  // namespace andiron
