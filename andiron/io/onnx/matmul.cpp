#include <algorithm>
#include <map>
#include <numeric>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

// NumPy's rules for vectors; integers are exact in double up to 2^53.
Value product(Value a, Value b) {
  if (is_integer(a.dtype())) {
    const DType dtype = a.dtype();
    return ops::cast(product(ops::cast(a, DType::f64), ops::cast(b, DType::f64)), dtype);
  }
  if (a.rank() == 0 || b.rank() == 0) fail("[onnx] MatMul takes no scalars");
  const bool row = a.rank() == 1, column = b.rank() == 1;
  if (row) a = ops::expand_dims(a, 0);
  if (column) b = ops::expand_dims(b, 1);
  Value y = ops::matmul(a, b);
  if (column) y = ops::squeeze(y, y.rank() - 1);
  if (row) y = ops::squeeze(y, y.rank() - (column ? 1 : 2));
  return y;
}

Values mat_mul(const Call& c) { return {product(c.in(0), c.in(1))}; }

Values gemm(const Call& c) {
  const Value &a = c.in(0), &b = c.in(1);
  const DType dtype = a.dtype();
  const bool integers = is_integer(dtype);
  const auto real = [&](const Value& v) { return integers ? ops::cast(v, DType::f64) : v; };
  Value y = ops::matmul(real(a), real(b), c.i("transA", 0) != 0, c.i("transB", 0) != 0);
  if (const double alpha = c.f("alpha", 1.0); alpha != 1.0) y = y * alpha;
  if (c.has(2)) {
    Value bias = real(c.in(2));
    if (const double beta = c.f("beta", 1.0); beta != 1.0) bias = bias * beta;
    y = y + bias;
  }
  return {integers ? ops::cast(y, dtype) : y};
}

// Sums of products by letters. Two operands at a time: what only one has is summed at once, the
// rest is a batched product.
struct Term {
  std::string letters;
  Value value;
};

Value arranged(const Term& t, const std::string& order) {
  std::vector<int64_t> permutation;
  for (char l : order) permutation.push_back(static_cast<int64_t>(t.letters.find(l)));
  std::vector<int64_t> straight(permutation.size());
  std::iota(straight.begin(), straight.end(), 0);
  return permutation == straight ? t.value : ops::transpose(t.value, permutation);
}

Term without(Term t, const std::string& needed) {
  std::vector<int64_t> axes;
  std::string kept;
  for (size_t i = 0; i < t.letters.size(); ++i) {
    if (needed.find(t.letters[i]) == std::string::npos)
      axes.push_back(static_cast<int64_t>(i));
    else
      kept += t.letters[i];
  }
  if (!axes.empty()) t.value = ops::sum(t.value, axes, false);
  t.letters = kept;
  return t;
}

// "ii": the diagonal of two axes of one letter.
Term with_diagonals(Term t) {
  for (size_t i = 0; i < t.letters.size(); ++i) {
    size_t j = t.letters.find(t.letters[i], i + 1);
    if (j == std::string::npos) continue;
    const Dim& n = t.value.shape()[i];
    if (!n.known() || n != t.value.shape()[j])
      fail("[onnx] Einsum: a diagonal of {}", t.value.shape().str());
    Shape row(t.letters.size(), 1), column(row);
    row[i] = n;
    column[j] = n;
    const Value on =
        ops::equal(ops::reshape(iota(n.size()), row), ops::reshape(iota(n.size()), column));
    t.value = ops::sum(ops::where(on, t.value, constant(0.0, t.value.dtype())),
                       {static_cast<int64_t>(j)}, false);
    t.letters.erase(j, 1);
    --i;
  }
  return t;
}

Term joined(const Term& a, const Term& b, const std::string& needed) {
  std::string batch, left, right, inner;
  std::map<char, Dim> size;
  for (const Term* t : {&a, &b})
    for (size_t i = 0; i < t->letters.size(); ++i) {
      Dim& d = size.try_emplace(t->letters[i], t->value.shape()[i]).first->second;
      if (d == Dim(1)) d = t->value.shape()[i];
    }
  for (char l : a.letters) {
    const bool both = b.letters.find(l) != std::string::npos;
    const bool kept = needed.find(l) != std::string::npos;
    (both ? (kept ? batch : inner) : left) += l;
  }
  for (char l : b.letters)
    if (a.letters.find(l) == std::string::npos) right += l;
  const auto sizes = [&](const std::string& letters) {
    Shape s;
    for (char l : letters) s.push_back(size.at(l));
    return s;
  };
  const auto whole = [&](const Term& t, const std::string& order) {
    return ops::broadcast_to(arranged(t, order), sizes(order));
  };
  Shape sa = sizes(batch), sb = sa, to = sa;
  sa.insert(sa.end(), {sizes(left).count(), sizes(inner).count()});
  sb.insert(sb.end(), {sizes(inner).count(), sizes(right).count()});
  for (const Dim& d : sizes(left + right)) to.push_back(d);
  const Value y = ops::matmul(ops::reshape(whole(a, batch + left + inner), sa),
                              ops::reshape(whole(b, batch + inner + right), sb));
  return {batch + left + right, ops::reshape(y, to)};
}

Values einsum(const Call& c) {
  std::string equation = c.s("equation", "");
  std::erase(equation, ' ');
  const size_t arrow = equation.find("->");
  std::string left = equation.substr(0, arrow);
  std::vector<std::string> subscripts;
  for (size_t at = 0; at <= left.size();) {
    const size_t comma = std::min(left.find(',', at), left.size());
    subscripts.push_back(left.substr(at, comma - at));
    at = comma + 1;
  }
  if (subscripts.size() != c.n())
    fail("[onnx] Einsum '{}' has {} operands; got {}", equation, subscripts.size(), c.n());
  // The axes behind "..." get letters of their own, the last ones first.
  size_t most = 0;
  const auto expanded = [&](std::string letters, size_t n) {
    const size_t dots = letters.find("...");
    if (dots == std::string::npos) return letters;
    std::string own;
    for (size_t i = 0; i < n; ++i) own += static_cast<char>('0' + (n - 1 - i));
    return letters.replace(dots, 3, own);
  };
  const DType dtype = c.in(0).dtype();
  std::vector<Term> terms;
  for (size_t i = 0; i < c.n(); ++i) {
    const bool dots = subscripts[i].find("...") != std::string::npos;
    const size_t named = subscripts[i].size() - (dots ? 3 : 0);
    const auto rank = static_cast<size_t>(c.in(i).rank());
    if (rank < named || (!dots && rank != named) || rank - named > 9)
      fail("[onnx] Einsum '{}' does not fit operand {} of shape {}", equation, i,
           c.in(i).shape().str());
    most = std::max(most, rank - named);
    const Value v = is_floating(dtype) ? c.in(i) : ops::cast(c.in(i), DType::f64);
    terms.push_back(with_diagonals({expanded(subscripts[i], rank - named), v}));
  }
  std::string result;
  if (arrow != std::string::npos) {
    result = expanded(equation.substr(arrow + 2), most);
  } else {  // letters that occur once, sorted
    std::map<char, int> count;
    for (const std::string& s : subscripts)
      for (char l : s)
        if (l != '.') ++count[l];
    result = expanded("...", most);
    for (const auto& [l, n] : count)
      if (n == 1) result += l;
  }
  for (size_t i = 0; i < terms.size(); ++i) {
    std::string needed = result;
    for (size_t j = 0; j < terms.size(); ++j)
      if (j != i) needed += terms[j].letters;
    terms[i] = without(terms[i], needed);
  }
  while (terms.size() > 1) {
    std::string needed = result;
    for (size_t j = 2; j < terms.size(); ++j) needed += terms[j].letters;
    const Term both = joined(terms[0], terms[1], needed);
    terms.erase(terms.begin(), terms.begin() + 2);
    terms.insert(terms.begin(), both);
  }
  const Term last = without(terms[0], result);
  for (char l : result)
    if (last.letters.find(l) == std::string::npos)
      fail("[onnx] Einsum '{}': no operand has '{}'", equation, l);
  const Value y = arranged(last, result);
  return {is_floating(dtype) ? y : ops::cast(y, dtype)};
}

// By LU without pivots it would be unstable; matrices of known, small size by cofactors.
Value determinant(const Value& x, int64_t n) {
  const auto at = [&](int64_t i, int64_t j) {
    return take(take(x, {i}, x.rank() - 2), {j}, x.rank() - 1);
  };
  if (n == 1) return x;
  if (n == 2) return at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0);
  Value sum;
  for (int64_t j = 0; j < n; ++j) {
    std::vector<int64_t> rows, columns;
    for (int64_t i = 1; i < n; ++i) rows.push_back(i);
    for (int64_t i = 0; i < n; ++i)
      if (i != j) columns.push_back(i);
    const Value minor = take(take(x, rows, x.rank() - 2), columns, x.rank() - 1);
    const Value term = at(0, j) * determinant(minor, n - 1);
    sum = j == 0 ? term : (j % 2 == 0 ? sum + term : sum - term);
  }
  return sum;
}
Values det(const Call& c) {
  const Value& x = c.in(0);
  if (x.rank() < 2 || x.shape().back() != x.shape()[x.shape().size() - 2])
    fail("[onnx] Det takes square matrices; got {}", x.shape().str());
  const Dim& n = x.shape().back();
  if (!n.known() || n.size() < 1 || n.size() > 4) c.refuse("matrices larger than 4 x 4");
  const Value d = determinant(x, n.size());
  return {ops::squeeze(ops::squeeze(d, d.rank() - 1), d.rank() - 2)};
}

constexpr Mapping kMappings[] = {
    {"MatMul", 1, mat_mul},
    {"Gemm", 6, gemm},
    {"Einsum", 12, einsum},
    {"Det", 11, det},
};

}  // namespace

std::span<const Mapping> matmul_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
