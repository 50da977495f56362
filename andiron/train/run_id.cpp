#include "andiron/train/run_id.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace andiron::train {

using Json = nlohmann::json;

namespace {

std::string said(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Sums of the shards' seeds are no user's numbers.
constexpr std::string_view kOfShards = "of shards ";

}  // namespace

RunId RunId::of(const std::vector<uint64_t>& digests, const std::vector<SourceParts>& parts) {
  // Sums, so that it does not matter which worker has which part.
  uint64_t digest = 0, contents = 0, seed = 0;
  bool shuffle = false;
  for (uint64_t d : digests) digest += d;
  for (const SourceParts& p : parts) {
    contents += p.contents;
    seed += p.seed;
    shuffle |= p.shuffle;
  }
  const SourceParts& first = parts.at(0);
  const Json json = {{"rows", first.rows},
                     {"batch_size", first.batch_size},
                     {"steps_per_epoch", first.steps == 0 ? Json("all") : Json(first.steps)},
                     {"shuffle", shuffle},
                     {"seed", fmt::format("{}{}", first.sharded ? kOfShards : "", seed)},
                     {"data", fmt::format("{:016x}", contents)}};
  return {fmt::format("{:016x}", digest), json.dump()};
}

std::string RunId::differences(const std::string& their_parts) const {
  const Json ours = Json::parse(parts, nullptr, false);
  const Json theirs = Json::parse(their_parts, nullptr, false);
  if (!ours.is_object() || !theirs.is_object()) return "";
  std::string text;
  for (const char* name : {"rows", "batch_size", "steps_per_epoch", "shuffle", "seed"}) {
    if (!ours.contains(name) || !theirs.contains(name) || ours[name] == theirs[name]) continue;
    if (!text.empty()) text += ", ";
    text += said(ours[name]).starts_with(kOfShards)
                ? "the seed is another"
                : fmt::format("{} was {} and is {}", name, said(theirs[name]), said(ours[name]));
  }
  if (ours.contains("data") && theirs.contains("data") && ours["data"] != theirs["data"])
    text += text.empty() ? "the data are others, in as many rows" : ", the data are others";
  return text;
}

}  // namespace andiron::train
