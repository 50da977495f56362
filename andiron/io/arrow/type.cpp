#include "andiron/io/arrow/type.hpp"

#include <charconv>
#include <cstring>
#include <string_view>

#include "andiron/base/error.hpp"

namespace andiron::io::arrow {

namespace {

constexpr int kMaxDepth = 32;             // of nested types
constexpr int64_t kMaxChildren = 100000;  // more columns than anybody has

struct Named {
  const char* format;
  Kind kind;
  const char* name;
};
constexpr Named kPlain[] = {
    {"n", Kind::null, "null"},
    {"b", Kind::boolean, "bool"},
    {"c", Kind::i8, "int8"},
    {"C", Kind::u8, "uint8"},
    {"s", Kind::i16, "int16"},
    {"S", Kind::u16, "uint16"},
    {"i", Kind::i32, "int32"},
    {"I", Kind::u32, "uint32"},
    {"l", Kind::i64, "int64"},
    {"L", Kind::u64, "uint64"},
    {"e", Kind::f16, "float16"},
    {"f", Kind::f32, "float32"},
    {"g", Kind::f64, "float64"},
    {"z", Kind::binary, "binary"},
    {"Z", Kind::binary, "large_binary"},
    {"u", Kind::text, "string"},
    {"U", Kind::text, "large_string"},
    {"vz", Kind::binary, "binary_view"},
    {"vu", Kind::text, "string_view"},
};

int64_t ticks_of(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 1000;
    case 'u':
      return 1000000;
    case 'n':
      return 1000000000;
    default:
      return 0;
  }
}

// The number at the front of `text`, which is moved behind it; -1 when there is none.
int64_t take_number(std::string_view& text) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return -1;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

void parse_time(std::string_view format, Type& type) {
  const std::string_view what = format.substr(0, 3);
  if (what == "tdD") {
    type.kind = Kind::i32;
    type.days = true;
  } else if (what == "tdm") {
    type.kind = Kind::i64;
    type.ticks_per_second = 1000;
  } else if (format.size() >= 3 && (format[1] == 't' || format[1] == 's' || format[1] == 'D')) {
    type.ticks_per_second = ticks_of(format[2]);
    const bool short_time = format[1] == 't' && (format[2] == 's' || format[2] == 'm');
    if (type.ticks_per_second > 0) type.kind = short_time ? Kind::i32 : Kind::i64;
  }
}

// d:precision,scale[,bits]
void parse_decimal(std::string_view format, Type& type) {
  format.remove_prefix(2);
  if (take_number(format) < 0 || !format.starts_with(",")) return;
  format.remove_prefix(1);
  const bool negative = format.starts_with("-");
  if (negative) format.remove_prefix(1);
  const int64_t scale = take_number(format);
  int64_t bits = 128;
  if (format.starts_with(",")) {
    format.remove_prefix(1);
    bits = take_number(format);
  }
  if (scale < 0 || scale > 1000 || bits != 128) return;  // others are not read
  type.kind = Kind::decimal;
  type.width = bits;
  type.scale = static_cast<int32_t>(negative ? -scale : scale);
}

void parse_format(std::string_view format, Type& type) {
  for (const Named& plain : kPlain) {
    if (format != plain.format) continue;
    type.kind = plain.kind;
    type.large = format == "Z" || format == "U";
    type.view = format == "vz" || format == "vu";
    return;
  }
  if (format.starts_with("t")) return parse_time(format, type);
  if (format.starts_with("d:")) return parse_decimal(format, type);
  if (format.starts_with("w:") || format.starts_with("+w:")) {
    const bool list = format[0] == '+';
    format.remove_prefix(list ? 3 : 2);
    type.width = take_number(format);
    if (type.width < 0 || !format.empty())
      fail("[arrow] column '{}': the format '{}' has no width", type.name, type.format);
    type.kind = list ? Kind::fixed_list : Kind::fixed_binary;
  } else if (format == "+l" || format == "+L") {
    type.kind = Kind::list;
    type.large = format == "+L";
  } else if (format == "+m") {
    type.kind = Kind::other;
  } else if (format == "+s") {
    type.kind = Kind::structure;
  }
}

// int32 number of pairs, then for each an int32 length and bytes, twice. The interface gives no
// length of the whole: what can be checked is that no length is negative.
std::map<std::string, std::string> parse_metadata(const char* at, const std::string& column) {
  std::map<std::string, std::string> out;
  if (at == nullptr) return out;
  const auto number = [&] {
    int32_t n = 0;
    std::memcpy(&n, at, sizeof(n));
    if (n < 0) fail("[arrow] column '{}': its metadata has a negative length", column);
    at += sizeof(n);
    return n;
  };
  const auto text = [&] {
    const auto n = static_cast<size_t>(number());
    std::string s(at, n);
    at += n;
    return s;
  };
  for (int32_t n = number(); n > 0; --n) {
    std::string key = text();
    out[std::move(key)] = text();
  }
  return out;
}

Type parse(const ArrowSchema& schema, int depth) {
  Type type;
  if (schema.name != nullptr) type.name = schema.name;
  if (schema.release == nullptr) fail("[arrow] column '{}': its schema is released", type.name);
  if (schema.format == nullptr) fail("[arrow] column '{}': its schema has no format", type.name);
  if (depth > kMaxDepth)
    fail("[arrow] column '{}': types are nested more than {} deep", type.name, kMaxDepth);
  type.format = schema.format;
  type.metadata = parse_metadata(schema.metadata, type.name);
  parse_format(type.format, type);
  if (schema.n_children < 0 || schema.n_children > kMaxChildren ||
      (schema.n_children > 0 && schema.children == nullptr))
    fail("[arrow] column '{}': its schema has {} children", type.name, schema.n_children);
  for (int64_t i = 0; i < schema.n_children; ++i) {
    if (schema.children[i] == nullptr)
      fail("[arrow] column '{}': child {} of its schema is a null pointer", type.name, i);
    type.children.push_back(parse(*schema.children[i], depth + 1));
  }
  const bool list = type.kind == Kind::list || type.kind == Kind::fixed_list;
  if (list && type.children.size() != 1)
    fail("[arrow] column '{}': a list has one child; its schema has {}", type.name,
         type.children.size());
  if (schema.dictionary != nullptr) {
    if (byte_width(type.kind) == 0 || type.kind >= Kind::f16)
      fail("[arrow] column '{}': a dictionary's indices are integers; got '{}'", type.name,
           type.format);
    type.dictionary.push_back(parse(*schema.dictionary, depth + 1));
  }
  return type;
}

std::string plain_name(const Type& type) {
  for (const Named& plain : kPlain)
    if (type.format == plain.format) return plain.name;
  const std::string& f = type.format;
  if (type.days) return "date32[day]";
  if (f == "tdm") return "date64[ms]";
  if (type.is_time()) {
    const char* what = f[1] == 's' ? "timestamp" : f[1] == 'D' ? "duration" : "time";
    return fmt::format("{}[{}{}]", what, f[2], f[2] == 's' ? "" : "s");
  }
  if (type.kind == Kind::decimal) return "decimal" + f.substr(1);
  return type.kind == Kind::fixed_binary ? fmt::format("fixed_size_binary[{}]", type.width)
                                         : "format '" + f + "'";
}

}  // namespace

int64_t byte_width(Kind kind) {
  switch (kind) {
    case Kind::i8:
    case Kind::u8:
      return 1;
    case Kind::i16:
    case Kind::u16:
    case Kind::f16:
      return 2;
    case Kind::i32:
    case Kind::u32:
    case Kind::f32:
      return 4;
    case Kind::i64:
    case Kind::u64:
    case Kind::f64:
      return 8;
    default:
      return 0;
  }
}

std::string Type::str() const {
  if (!dictionary.empty()) return "dictionary<" + dictionary[0].str() + ">";
  if (kind == Kind::list) return (large ? "large_list<" : "list<") + children[0].str() + ">";
  if (kind == Kind::fixed_list) return fmt::format("list<{}>[{}]", children[0].str(), width);
  if (kind != Kind::structure) return plain_name(*this);
  std::string text = "struct<";
  for (const Type& child : children)
    text += (text.ends_with('<') ? "" : ", ") + child.name + ": " + child.str();
  return text + ">";
}

Type parse_type(const ArrowSchema& schema) { return parse(schema, 0); }

}  // namespace andiron::io::arrow
