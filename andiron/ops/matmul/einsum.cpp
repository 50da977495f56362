#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "andiron/base/error.hpp"
#include "andiron/ops/arrays.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

// Labels are letters; the axes of "..." get numbers from 256 on, the last one the smallest, so that
// operands of other ranks agree as in broadcasting.
using Label = int;
using Labels = std::vector<Label>;
constexpr Label kEllipsis = 256;

bool has(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

struct Operand {
  Value value;
  Labels labels;

  const Dim& size(Label label) const {
    const auto at = std::find(labels.begin(), labels.end(), label) - labels.begin();
    return value.shape()[static_cast<size_t>(at)];
  }
};

class Equation {
 public:
  Equation(std::string_view text, const std::vector<Value>& operands) : text_(text) {
    std::string plain;
    for (char c : text)
      if (c != ' ') plain += c;
    const size_t arrow = plain.find("->");
    const std::vector<std::string> terms = split_terms(plain.substr(0, arrow));
    if (terms.size() != operands.size())
      refuse(fmt::format("names {} operands; got {}", terms.size(), operands.size()));
    for (size_t i = 0; i < terms.size(); ++i)
      this->operands.push_back({operands[i], labels_of(terms[i], operands[i].rank())});
    if (arrow == std::string::npos) {
      imply();
    } else {
      result = labels_of(plain.substr(arrow + 2), -1);
    }
    for (Label label : result)
      if (!known(label)) refuse(fmt::format("no operand has the result's {}", name(label)));
  }

  std::vector<Operand> operands;
  Labels result;

  [[noreturn]] void refuse(const std::string& why) const { fail("[einsum] '{}': {}", text_, why); }
  static std::string name(Label label) {
    return label >= kEllipsis ? "'...'" : fmt::format("label '{}'", static_cast<char>(label));
  }

 private:
  static std::vector<std::string> split_terms(const std::string& text) {
    std::vector<std::string> terms(1);
    for (char c : text) {
      if (c == ',') {
        terms.emplace_back();
      } else {
        terms.back() += c;
      }
    }
    return terms;
  }

  bool known(Label label) const {
    return std::any_of(operands.begin(), operands.end(),
                       [&](const Operand& o) { return has(o.labels, label); });
  }

  // Of an operand's rank, or with rank -1 of the result.
  Labels labels_of(const std::string& term, int64_t rank) {
    Labels labels;
    const size_t dots = term.find("...");
    const auto letters = static_cast<int64_t>(term.size()) - (dots == std::string::npos ? 0 : 3);
    if (rank >= 0 && (dots == std::string::npos ? letters != rank : letters > rank))
      refuse(fmt::format("'{}' has {} labels; the operand has {} axes", term, letters, rank));
    for (size_t i = 0; i < term.size(); ++i) {
      if (i == dots) {
        const int64_t axes = rank >= 0 ? rank - letters : ellipsis_;
        for (int64_t k = axes; k-- > 0;) labels.push_back(kEllipsis + static_cast<Label>(k));
        if (rank >= 0) ellipsis_ = std::max(ellipsis_, axes);
        i += 2;
        continue;
      }
      const char c = term[i];
      if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
        refuse(fmt::format("'{}' is no label", c));
      if (has(labels, c))
        refuse(fmt::format("label '{}' occurs twice in '{}': diagonals are not taken", c, term));
      labels.push_back(c);
    }
    return labels;
  }

  // Without an arrow: "..." first, then the labels that occur once, in the alphabet's order.
  void imply() {
    std::map<Label, int> count;
    for (const Operand& o : operands)
      for (Label label : o.labels) ++count[label];
    for (int64_t k = ellipsis_; k-- > 0;) result.push_back(kEllipsis + static_cast<Label>(k));
    for (const auto& [label, n] : count)
      if (label < kEllipsis && n == 1) result.push_back(label);
  }

  std::string text_;
  int64_t ellipsis_ = 0;
};

Operand permuted(const Operand& x, const Labels& order) {
  if (x.labels == order) return x;
  std::vector<int64_t> permutation;
  for (Label label : order)
    permutation.push_back(std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin());
  return {transpose(x.value, permutation), order};
}

// Sums over what nobody needs any more.
Operand reduced(const Operand& x, const Labels& needed) {
  std::vector<int64_t> axes;
  Labels left;
  for (size_t i = 0; i < x.labels.size(); ++i) {
    if (has(needed, x.labels[i])) {
      left.push_back(x.labels[i]);
    } else {
      axes.push_back(static_cast<int64_t>(i));
    }
  }
  return axes.empty() ? x : Operand{sum(x.value, axes), left};
}

// Sizes of 1 become those of the other operand.
Operand widened(const Equation& equation, const Operand& x, const Operand& other) {
  Shape shape = x.value.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!has(other.labels, x.labels[i])) continue;
    const Dim& d = other.size(x.labels[i]);
    if (d == shape[i] || d == Dim(1)) continue;
    if (shape[i] != Dim(1))
      equation.refuse(fmt::format("{} has the sizes {} and {}", Equation::name(x.labels[i]),
                                  shape[i].str(), d.str()));
    shape[i] = d;
  }
  return {broadcast_to(x.value, shape), x.labels};
}

Dim size_of(const Operand& x, const Labels& labels) {
  Dim n = 1;
  for (Label label : labels) n = n * x.size(label);
  return n;
}

Labels joined(std::initializer_list<const Labels*> lists) {
  Labels all;
  for (const Labels* list : lists) all.insert(all.end(), list->begin(), list->end());
  return all;
}

// As [batch, rows, cols], or transposed where it lies so already.
struct Matrix {
  Value value;
  bool transposed;
};
Matrix matrix(const Operand& x, const Labels& batch, const Labels& rows, const Labels& cols) {
  const bool transposed = x.labels == joined({&batch, &cols, &rows}) && !rows.empty();
  const Operand y = transposed ? x : permuted(x, joined({&batch, &rows, &cols}));
  Shape shape = {size_of(x, transposed ? cols : rows), size_of(x, transposed ? rows : cols)};
  if (!batch.empty()) shape.insert(shape.begin(), size_of(x, batch));
  return {reshape(y.value, shape), transposed};
}

// The product of a and b, summed over the labels of both that are not `needed` later.
Operand product(const Equation& equation, Operand a, Operand b, const Labels& needed) {
  a = widened(equation, a, b);
  b = widened(equation, b, a);
  Labels batch, contracted, rows, cols;
  for (Label label : a.labels) {
    if (!has(b.labels, label)) rows.push_back(label);
    if (has(b.labels, label)) (has(needed, label) ? batch : contracted).push_back(label);
  }
  for (Label label : b.labels)
    if (!has(a.labels, label)) cols.push_back(label);
  Operand out{{}, joined({&batch, &rows, &cols})};
  Shape shape;
  for (Label label : out.labels)
    shape.push_back(has(a.labels, label) ? a.size(label) : b.size(label));
  if (contracted.empty()) {  // no sums: an elementwise product
    const auto apart = [&](const Operand& x, const Labels& own) {
      const Operand y = permuted(x, joined({&batch, &own}));
      Shape s;
      for (Label label : out.labels) s.push_back(has(x.labels, label) ? x.size(label) : Dim(1));
      return reshape(y.value, s);
    };
    out.value = apart(a, rows) * apart(b, cols);
    return out;
  }
  const Matrix left = matrix(a, batch, rows, contracted);
  const Matrix right = matrix(b, batch, contracted, cols);
  out.value = reshape(matmul(left.value, right.value, left.transposed, right.transposed), shape);
  return out;
}

}  // namespace

Value einsum(std::string_view text, const std::vector<Value>& operands) {
  if (operands.empty()) fail("[einsum] takes at least one operand");
  for (const Value& v : operands)
    if (v.dtype() != operands[0].dtype())
      fail("[einsum] operands must have one dtype; got {} and {}", str(operands[0].type()),
           str(v.type()));
  const Equation equation(text, operands);
  // What is needed after operand i: the result's labels and those of the operands behind it.
  const auto needed_after = [&](size_t i) {
    Labels labels = equation.result;
    for (size_t k = i + 1; k < equation.operands.size(); ++k)
      labels = joined({&labels, &equation.operands[k].labels});
    return labels;
  };
  Operand done = reduced(equation.operands[0], needed_after(0));
  for (size_t i = 1; i < equation.operands.size(); ++i) {
    const Labels needed = needed_after(i), here = joined({&needed, &done.labels});
    const Operand next = reduced(equation.operands[i], here);
    done = reduced(product(equation, done, next, needed), needed);
  }
  return permuted(done, equation.result).value;
}

}  // namespace andiron::ops
