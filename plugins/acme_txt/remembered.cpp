#include "plugins/acme_txt/remembered.h"

#include <algorithm>

namespace swage::plugins::acme_txt {
namespace {

constexpr std::string_view kNone("\0", 1);  // instead of a value

}  // namespace

bool is_remembered(forge::Challenges& values) {
  if (values.count == 0) return false;
  if (values.text(0) == kNone) values.count = 0;
  return true;
}

bool remember(shm::TableWriter& table, Bytes multihash, std::optional<std::string_view> value, std::int64_t sent,
              std::int64_t now) {
  const std::string_view text = value.value_or(kNone);
  if (!shm::table::is_sound(multihash, text)) return false;
  shm::table::Version version{};
  version.end = sent + kRememberedFor.count();
  version.key_size = static_cast<std::uint8_t>(multihash.size());
  version.count = 1;
  std::ranges::copy(multihash, version.key.begin());
  version.values[0].expires = version.end;
  version.values[0].size = static_cast<std::uint8_t>(text.size());
  std::ranges::copy(text, version.values[0].text.begin());
  return table.replace(version, now, shm::TableWriter::Room::free).has_value();
}

}  // namespace swage::plugins::acme_txt
