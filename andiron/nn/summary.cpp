#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "andiron/nn/class_name.hpp"
#include "andiron/nn/layers/input.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {

namespace {

using Row = std::vector<std::string>;

// 1234567 as 1,234,567.
std::string grouped(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<size_t>(i), 1, ',');
  return digits;
}

std::string bytes_text(size_t bytes) {
  static constexpr std::array kUnits = {"B", "KB", "MB", "GB", "TB"};
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  while (size >= 1024.0 && unit + 1 < kUnits.size()) {
    size /= 1024.0;
    ++unit;
  }
  return fmt::format("{:.2f} {}", size, kUnits[unit]);
}

// As in Keras: (None, 10).
std::string shape_text(const Shape& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i].known() ? std::to_string(shape[i].size()) : "None";
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

std::string repeat(std::string_view piece, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += piece;
  return out;
}

size_t columns_of(const std::string& utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string rule(const std::vector<size_t>& widths, const char* left, const char* line,
                 const char* cross, const char* right) {
  std::string out = left;
  for (size_t i = 0; i < widths.size(); ++i)
    out += repeat(line, widths[i] + 2) + (i + 1 < widths.size() ? cross : right);
  return out + "\n";
}

// A cell may have several lines. Numbers stand at the right.
std::string table(const Row& head, const std::vector<Row>& rows, size_t number_column) {
  auto lines_of = [](const std::string& cell) {
    std::vector<std::string> lines(1);
    for (char c : cell) {
      if (c == '\n') {
        lines.emplace_back();
      } else {
        lines.back() += c;
      }
    }
    return lines;
  };
  std::vector<size_t> widths;
  for (const std::string& cell : head) widths.push_back(columns_of(cell));
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      for (const std::string& line : lines_of(row[i]))
        widths[i] = std::max(widths[i], columns_of(line));
  auto print = [&](const Row& row, const char* bar) {
    std::vector<std::vector<std::string>> cells;
    size_t height = 1;
    for (const std::string& cell : row) {
      cells.push_back(lines_of(cell));
      height = std::max(height, cells.back().size());
    }
    std::string out;
    for (size_t y = 0; y < height; ++y) {
      for (size_t i = 0; i < cells.size(); ++i) {
        const std::string line = y < cells[i].size() ? cells[i][y] : "";
        const std::string space = repeat(" ", widths[i] - columns_of(line));
        out += bar + std::string(" ") + (i == number_column ? space + line : line + space) + " ";
      }
      out += std::string(bar) + "\n";
    }
    return out;
  };
  std::string out = rule(widths, "┏", "━", "┳", "┓") + print(head, "┃");
  out += rule(widths, "┡", "━", "╇", "┩");
  for (size_t i = 0; i < rows.size(); ++i)
    out += print(rows[i], "│") + (i + 1 < rows.size() ? rule(widths, "├", "─", "┼", "┤") : "");
  return out + rule(widths, "└", "─", "┴", "┘");
}

struct Size {
  int64_t params = 0;
  size_t bytes = 0;
  explicit Size(const std::vector<VariablePtr>& variables) {
    for (const VariablePtr& v : variables) {
      params += v->value().count();
      bytes += v->value().n_bytes();
    }
  }
  std::string text() const { return fmt::format("{} ({})", grouped(params), bytes_text(bytes)); }
};

}  // namespace

std::string FunctionalModel::summary() const {
  const bool stack = class_name() == "Sequential";
  std::vector<Row> rows;
  for (const LayerPtr& layer : layers()) {
    if (stack && dynamic_cast<InputLayer*>(layer.get()) != nullptr) continue;
    std::string shapes, from;
    for (const auto& call : calls_) {
      if (call->layer != layer) continue;
      for (const TensorType& type : call->outputs)
        shapes += fmt::format("{}{}", shapes.empty() ? "" : "\n", shape_text(type.shape));
      for (const SymbolicTensor& t : call->inputs)
        from += fmt::format("{}{}[0][{}]", from.empty() ? "" : "\n", t.layer()->name(), t.index());
    }
    if (shapes.empty()) {
      for (const SymbolicTensor& t : inputs_)
        if (t.layer() == layer) shapes = shape_text(t.shape());
    }
    if (shapes.empty()) shapes += '?';
    Row row = {fmt::format("{} ({})", layer->name(), layer->class_name()), shapes,
               layer->built() ? grouped(layer->count_params()) : "0 (unbuilt)"};
    if (!stack) row.push_back(from.empty() ? "-" : from);
    rows.push_back(std::move(row));
  }
  Row head = {"Layer (type)", "Output Shape", "Param #"};
  if (!stack) head.emplace_back("Connected to");
  const std::string own = name().empty() ? snake_case(class_name()) : name();
  return fmt::format(
      "Model: \"{}\"\n{} Total params: {}\n Trainable params: {}\n"
      " Non-trainable params: {}\n",
      own, table(head, rows, 2), Size(variables()).text(), Size(trainable_variables()).text(),
      Size(non_trainable_variables()).text());
}

}  // namespace andiron::nn
