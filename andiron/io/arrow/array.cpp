#include "andiron/io/arrow/array.hpp"

#include "andiron/base/error.hpp"

namespace andiron::io::arrow {

namespace {

constexpr int64_t kMaxLength = int64_t{1} << 56;  // products with widths stay far from overflow

int64_t buffers_of(const Type& type) {
  switch (type.kind) {
    case Kind::null:
      return 0;
    case Kind::binary:
    case Kind::text:
      return 3;
    case Kind::fixed_list:
    case Kind::structure:
      return 1;
    default:
      return 2;
  }
}

bool nested_by_place(const Array& array) {
  return array.type->kind == Kind::structure || array.type->kind == Kind::fixed_list;
}

int64_t width_of(const Array& array) {
  return array.type->kind == Kind::fixed_list ? array.type->width : 1;
}

// What is said about one column, with its name in front.
class Checker {
 public:
  explicit Checker(const std::string& column) : column_(column) {}

  Array view(const ArrowArray& given, const Type& type) const {
    Array array;
    array.type = &type;
    check_counts(given, type);
    array.length = given.length;
    array.offset = given.offset;
    if (type.kind == Kind::null || type.kind == Kind::other) return array;
    take_buffers(given, type, array);
    for (size_t i = 0; i < type.children.size(); ++i) {
      const ArrowArray* child = given.children[i];
      if (child == nullptr) wrong("child {} is a null pointer", i);
      array.children.push_back(view(*child, type.children[i]));
    }
    if (nested_by_place(array)) slice_children(array);
    if (type.view)
      check_views(array, given);
    else if (type.kind == Kind::list || type.kind == Kind::text || type.kind == Kind::binary)
      check_offsets(array);
    if (!type.dictionary.empty()) {
      if (given.dictionary == nullptr) wrong("its type has a dictionary, the array has none");
      array.dictionary.push_back(view(*given.dictionary, type.dictionary[0]));
    }
    return array;
  }

 private:
  template <class... Args>
  [[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) const {
    fail("[arrow] column '{}': {}", column_, fmt::format(format, std::forward<Args>(args)...));
  }

  void check_counts(const ArrowArray& given, const Type& type) const {
    if (given.release == nullptr) wrong("the array is released");
    if (given.length < 0 || given.offset < 0 || given.length > kMaxLength ||
        given.offset > kMaxLength)
      wrong("length {} and offset {} make no sense", given.length, given.offset);
    if (given.null_count < -1 || given.null_count > given.length)
      wrong("{} nulls among {} values make no sense", given.null_count, given.length);
    if (type.kind == Kind::other) return;  // refused when it is converted
    const int64_t expected = buffers_of(type);
    const bool old_null = type.kind == Kind::null && given.n_buffers == 1;
    if (type.view ? given.n_buffers < expected : given.n_buffers != expected && !old_null)
      wrong("{} has {} buffers; got {}", type.str(), expected, given.n_buffers);
    if (expected > 0 && given.buffers == nullptr) wrong("its buffers are a null pointer");
    if (given.n_children != static_cast<int64_t>(type.children.size()) ||
        (given.n_children > 0 && given.children == nullptr))
      wrong("{} has {} children; got {}", type.str(), type.children.size(), given.n_children);
  }

  void take_buffers(const ArrowArray& given, const Type& type, Array& array) const {
    array.validity = static_cast<const uint8_t*>(given.buffers[0]);
    if (array.validity == nullptr && given.null_count > 0)
      wrong("{} values are null, but there is no bitmap that says which", given.null_count);
    if (given.null_count == 0) array.validity = nullptr;
    const int64_t n = buffers_of(type);
    if (n > 1) array.values = static_cast<const std::byte*>(given.buffers[1]);
    if (type.view) array.views = given.buffers + 2;
    if (n > 2 && !type.view) array.data = static_cast<const std::byte*>(given.buffers[2]);
    if (n > 1 && array.values == nullptr && given.length > 0 &&
        !(type.kind == Kind::fixed_binary && type.width == 0))
      wrong("buffer 1 is a null pointer");
  }

  // A parent's element i is element offset + i of its children (times the width of a fixed list).
  void slice_children(Array& array) const {
    const int64_t width = width_of(array);
    int64_t reach = 0;
    if (__builtin_mul_overflow(array.offset + array.length, width, &reach))
      wrong("its lists are absurdly long");
    for (size_t i = 0; i < array.children.size(); ++i) {
      Array& child = array.children[i];
      if (child.length < reach)
        wrong("child {} has {} values; {} are needed", i, child.length, reach);
      slice(child, array.offset * width, array.length * width);
    }
  }

  void check_offsets(const Array& array) const {
    if (array.length == 0) return;
    int64_t last = array.begin_of(0);
    if (last < 0) wrong("offset 0 is {}", last);
    for (int64_t i = 1; i <= array.length; ++i) {
      const int64_t next = array.begin_of(i);
      if (next < last) wrong("its offsets go back from {} to {} after row {}", last, next, i - 1);
      last = next;
    }
    if (array.type->kind == Kind::list) {
      if (last > array.children[0].length)
        wrong("its lists end at {}, its values at {}", last, array.children[0].length);
    } else if (last > array.begin_of(0) && array.data == nullptr) {
      wrong("buffer 2 is a null pointer");
    }
  }

  // The last buffer has the sizes of those between it and the views.
  void check_views(const Array& array, const ArrowArray& given) const {
    const int64_t n_buffers = given.n_buffers - 3;
    const auto* sizes = static_cast<const std::byte*>(given.buffers[given.n_buffers - 1]);
    if (n_buffers > 0 && sizes == nullptr) wrong("the sizes of its buffers are a null pointer");
    for (int64_t i = 0; i < array.length; ++i) {
      if (array.is_null(i)) continue;
      Array::View view;
      std::memcpy(&view, array.values + (array.offset + i) * 16, sizeof(view));
      if (view.length < 0) wrong("row {} has {} bytes", i, view.length);
      if (view.length <= 12) continue;
      int64_t size = -1;
      if (view.buffer >= 0 && view.buffer < n_buffers && array.views[view.buffer] != nullptr)
        std::memcpy(&size, sizes + view.buffer * 8, sizeof(size));
      if (view.offset < 0 || int64_t{view.offset} + view.length > size)
        wrong("row {} lies beyond its buffer", i);
    }
  }

  const std::string& column_;
};

}  // namespace

int64_t Array::index(int64_t i) const {
  int64_t value = 0;
  switch (type->kind) {
    case Kind::i8:
      value = number<int8_t>(i);
      break;
    case Kind::u8:
      value = number<uint8_t>(i);
      break;
    case Kind::i16:
      value = number<int16_t>(i);
      break;
    case Kind::u16:
      value = number<uint16_t>(i);
      break;
    case Kind::i32:
      value = number<int32_t>(i);
      break;
    case Kind::u32:
      value = number<uint32_t>(i);
      break;
    default:
      value = number<int64_t>(i);  // a uint64 beyond int64 is negative and so refused
      break;
  }
  if (value < 0 || value >= dictionary[0].length)
    fail("[arrow] column '{}': row {} is entry {} of a dictionary of {}", type->name, i, value,
         dictionary[0].length);
  return value;
}

void slice(Array& array, int64_t begin, int64_t length) {
  array.offset += begin;
  array.length = length;
  if (!nested_by_place(array)) return;
  const int64_t width = width_of(array);
  for (Array& child : array.children) slice(child, begin * width, length * width);
}

int64_t Array::count_nulls() const {
  if (type->kind == Kind::null) return length;
  if (validity == nullptr) return 0;
  int64_t n = 0;
  for (int64_t i = 0; i < length; ++i) n += bit(validity, offset + i) ? 0 : 1;
  return n;
}

Array view_array(const ArrowArray& array, const Type& type, const std::string& column) {
  return Checker(column).view(array, type);
}

}  // namespace andiron::io::arrow
