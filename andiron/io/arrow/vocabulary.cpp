#include "andiron/io/arrow/vocabulary.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/io/file.hpp"

namespace andiron::io::arrow {

namespace {

constexpr const char* kFormat = "andiron vocabulary";

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(i);
    const size_t n = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (n > 1 && (lead < 0xC2 || lead > 0xF4 || i + n > text.size())) return false;
    for (size_t k = 1; k < n; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    if (n == 3 && ((lead == 0xE0 && byte(i + 1) < 0xA0) || (lead == 0xED && byte(i + 1) > 0x9F)))
      return false;
    if (n == 4 && ((lead == 0xF0 && byte(i + 1) < 0x90) || (lead == 0xF4 && byte(i + 1) > 0x8F)))
      return false;
    i += n;
  }
  return true;
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> entries, bool unknown)
    : entries_(std::move(entries)), unknown_(unknown) {
  if (entries_.size() >= static_cast<size_t>(INT32_MAX))
    fail("[vocabulary] {} entries are more than int32 ids", entries_.size());
  ids_.reserve(entries_.size());
  int32_t id = unknown_ ? 1 : 0;
  for (const std::string& entry : entries_)
    if (!ids_.emplace(entry, id++).second) fail("[vocabulary] '{}' comes twice", entry);
}

int32_t Vocabulary::id(std::string_view text) const {
  const auto found = ids_.find(text);
  if (found != ids_.end()) return found->second;
  return unknown_ ? 0 : kNone;
}

std::string Vocabulary::json() const {
  const nlohmann::json document = {
      {"format", kFormat}, {"version", 1}, {"unknown", unknown_}, {"entries", entries_}};
  try {
    return document.dump(1);
  } catch (const nlohmann::json::type_error&) {
    fail("[vocabulary] an entry is not UTF-8");
  }
}

Vocabulary Vocabulary::from_json(const std::string& text) {
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object() || document.value("format", nlohmann::json()) != kFormat ||
      document.value("version", nlohmann::json()) != 1)
    fail("[vocabulary] this is not a vocabulary of version 1");
  try {
    return Vocabulary(document.at("entries").get<std::vector<std::string>>(),
                      document.at("unknown").get<bool>());
  } catch (const nlohmann::json::exception&) {
    fail("[vocabulary] it needs 'unknown' (true or false) and 'entries' (texts)");
  }
}

Result<> Vocabulary::save(const std::string& path) const {
  Result<AtomicFile> file = AtomicFile::create(path);
  if (!file) return because(file.failure(), "[vocabulary] cannot save '{}'", path);
  if (Result<> done = file.value().write(as_bytes(json())); !done)
    return because(done.failure(), "[vocabulary] cannot save '{}'", path);
  if (Result<> done = file.value().commit(); !done)
    return because(done.failure(), "[vocabulary] cannot save '{}'", path);
  return success();
}

Result<Vocabulary> Vocabulary::load(const std::string& path) {
  Result<std::shared_ptr<Buffer>> bytes = read_file(path);
  if (!bytes) return because(bytes.failure(), "[vocabulary] cannot load '{}'", path);
  const Buffer& buffer = *bytes.value();
  try {
    return from_json({reinterpret_cast<const char*>(buffer.data()), buffer.n_bytes()});
  } catch (const Error& error) {
    return failure("[vocabulary] cannot load '{}': {}", path, error.what());
  }
}

void VocabularyBuilder::count(std::string_view text, int64_t times, const std::string& column) {
  auto found = counts_.find(text);
  if (found == counts_.end()) {
    if (!is_utf8(text)) fail("[vocabulary] column '{}' has a text that is not UTF-8", column);
    found = counts_.emplace(text, 0).first;
  }
  found->second += times;
}

void VocabularyBuilder::add(const Array& column) {
  const bool encoded = !column.dictionary.empty();
  const Array& texts = encoded ? column.dictionary[0] : column;
  const std::string& name = column.type->name;
  if (texts.type->kind == Kind::null) return;
  if (texts.type->kind != Kind::text)
    fail("[vocabulary] column '{}' is {}; texts are needed", name, column.type->str());
  if (!encoded) {
    for (int64_t i = 0; i < column.length; ++i)
      if (!column.is_null(i)) count(column.bytes(i), 1, name);
    return;
  }
  std::vector<int64_t> times(static_cast<size_t>(texts.length));
  for (int64_t i = 0; i < column.length; ++i)
    if (!column.is_null(i)) ++times[static_cast<size_t>(column.index(i))];
  for (int64_t i = 0; i < texts.length; ++i)
    if (times[static_cast<size_t>(i)] > 0 && !texts.is_null(i))
      count(texts.bytes(i), times[static_cast<size_t>(i)], name);
}

Vocabulary VocabularyBuilder::build(int64_t max_size, int64_t min_count, bool unknown) const {
  if (max_size < 0 || min_count < 0)
    fail("[vocabulary] max_size and min_count must not be negative; got {} and {}", max_size,
         min_count);
  using Entry = std::pair<int64_t, std::string_view>;
  std::vector<Entry> kept;
  for (const auto& [text, times] : counts_)
    if (times >= min_count) kept.emplace_back(times, text);
  std::sort(kept.begin(), kept.end(), [](const Entry& a, const Entry& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  if (max_size > 0 && static_cast<int64_t>(kept.size()) > max_size)
    kept.resize(static_cast<size_t>(max_size));
  std::vector<std::string> entries;
  for (const Entry& e : kept) entries.emplace_back(e.second);
  return Vocabulary(std::move(entries), unknown);
}

}  // namespace andiron::io::arrow
