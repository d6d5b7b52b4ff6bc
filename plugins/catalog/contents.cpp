#include "plugins/catalog/contents.h"

#include <algorithm>
#include <array>

#include "core/crypto/hash.h"
#include "core/dns/zones.h"
#include "core/zone/builder.h"

namespace swage::plugins::catalog {
namespace {

using dns::Name;
using dns::NameView;
using dns::Type;

constexpr std::size_t kDigest = 16;  // bytes of it in a unique label
constexpr std::size_t kLongestBefore = 1 + 5 + 1 + 2 * kDigest + 1 + 5;
static_assert(kMaxApex + kLongestBefore <= dns::kMaxName);

// As in the examples of RFC 9432: nobody is to keep any of it, and secondaries, which are told of changes, keep what
// they have for as long as they can.
constexpr std::uint32_t kTtl = 0, kRefresh = 3600, kRetry = 600, kExpire = 2147483646, kMinimum = 0;
constexpr std::array<std::uint8_t, 9> kInvalid = {7, 'i', 'n', 'v', 'a', 'l', 'i', 'd', 0};

void append_u32(std::vector<std::uint8_t>& to, std::uint32_t value) {
  to.resize(to.size() + 4);
  store_u32(&to[to.size() - 4], value);
}

std::vector<std::uint8_t> soa(std::uint32_t serial) {
  std::vector<std::uint8_t> rdata(kInvalid.begin(), kInvalid.end());
  rdata.insert(rdata.end(), kInvalid.begin(), kInvalid.end());
  for (const std::uint32_t number : {serial, kRefresh, kRetry, kExpire, kMinimum}) append_u32(rdata, number);
  return rdata;
}

std::vector<std::uint8_t> text(std::string_view value) {
  std::vector<std::uint8_t> rdata;
  rdata.reserve(1 + value.size());
  rdata.push_back(static_cast<std::uint8_t>(value.size()));
  rdata.insert(rdata.end(), value.begin(), value.end());
  return rdata;
}

// That of the longest zone that the member is in.
template <typename Value>
const Value* value_for(const std::vector<Property<Value>>& properties, NameView member) {
  const Value* best = nullptr;
  std::size_t longest = 0;
  for (const Property<Value>& property : properties) {
    for (const Name& zone : property.zones) {
      if (zone.size() <= longest || !member.is_under(zone)) continue;
      best = &property.value;
      longest = zone.size();
    }
  }
  return best;
}

Result<> add_member(const Contents& contents, NameView zones, NameView member, zone::Builder& into) {
  TRY(const Name owner, Name(zones).child(as_bytes(unique_label(member))));
  TRY(into.add(owner, Type::ptr, kTtl, member.bytes()));
  if (const std::string* const group = value_for(contents.groups, member)) {
    TRY(const Name property, owner.child(as_bytes("group")));
    TRY(into.add(property, Type::txt, kTtl, text(*group)));
  }
  if (const Name* const next = value_for(contents.owners, member)) {
    TRY(const Name property, owner.child(as_bytes("coo")));
    TRY(into.add(property, Type::ptr, kTtl, next->view().bytes()));
  }
  return {};
}

}  // namespace

bool Contents::has_member(NameView zone) const {
  return dns::is_under_any(zone, zones) && !dns::is_under_any(zone, except) && zone != apex.view();
}

std::string unique_label(NameView zone) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const crypto::Digest digest = crypto::sha256(zone.bytes());
  std::string label;
  for (const std::uint8_t byte : Bytes(digest).first(kDigest)) {
    label += kDigits[byte >> 4];
    label += kDigits[byte & 15];
  }
  return label;
}

Result<shm::Segment> make_image(const Contents& contents, const std::vector<std::string>& members, std::uint32_t serial,
                                const std::string& name) {
  zone::Builder builder(contents.apex);
  TRY(builder.add(contents.apex, Type::soa, kTtl, soa(serial)));
  TRY(builder.add(contents.apex, Type::ns, kTtl, kInvalid));
  TRY(const Name version, contents.apex.child(as_bytes("version")));
  TRY(builder.add(version, Type::txt, kTtl, text("2")));
  TRY(const Name zones, contents.apex.child(as_bytes("zones")));
  for (const std::string& member : members) {
    TRY(add_member(contents, zones, NameView(as_bytes(member).data(), member.size()), builder));
  }
  TRY(builder.finish());
  TRY(shm::Segment image, shm::Segment::create(name, builder.image_size()));
  builder.write(image.writable_bytes());
  return image;
}

}  // namespace swage::plugins::catalog
