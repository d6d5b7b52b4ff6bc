#include "core/zone/view.h"

#include <algorithm>
#include <array>

#include "core/counted.h"
#include "core/zone/answer.h"
#include "core/zone/lookup.h"

namespace swage::zone {

using image::Header;

namespace {

constexpr std::array<std::uint8_t, 2> kSignatureExpired = {
    0, static_cast<std::uint8_t>(dns::ExtendedError::signature_expired)};
constexpr std::size_t kExpiration = 8, kLeastRrsig = 18;  // bytes of an RRSIG's rdata (RFC 4034 section 3.1)

bool has_expired(const std::vector<dns::Record>& section, std::uint32_t now) {
  return std::ranges::any_of(section, [now](const dns::Record& record) {
    if (record.type != dns::Type::rrsig || record.rdata.size() < kLeastRrsig) return false;
    return static_cast<std::int32_t>(load_u32(record.rdata.data() + kExpiration) - now) < 0;
  });
}

}  // namespace

Result<> View::check(Bytes image) {
  if (image.size() < sizeof(Header)) return fail("a zone image of {} is too short", counted(image.size(), "byte"));
  Header header;
  std::memcpy(&header, image.data(), sizeof header);
  if (header.magic != image::kMagic) return fail("not a zone image");
  if (header.version != image::kVersion) {
    return fail("zone image of version {}, not {}", header.version, image::kVersion);
  }
  if (header.size != image.size()) {
    return fail("zone image of {} bytes should have {}", image.size(), header.size);
  }
  return {};
}

dns::NameView View::apex() const { return ImageReader(image_).apex().name(); }
std::uint32_t View::serial() const { return ImageReader(image_).header().serial; }
std::uint32_t View::nodes() const { return ImageReader(image_).header().nodes; }
std::uint32_t View::records() const { return ImageReader(image_).header().records; }

std::optional<std::uint32_t> View::signatures_expire() const {
  const Header& header = ImageReader(image_).header();
  return header.signatures == 0 ? std::nullopt : std::optional(header.signatures_expire);
}

std::optional<std::int64_t> View::signatures_expire_at(std::int64_t now) const {
  const auto expire = signatures_expire();
  if (!expire) return std::nullopt;
  return now + static_cast<std::int32_t>(*expire - static_cast<std::uint32_t>(now));
}

void View::answer(const dns::Query& query, dns::Response& response) const {
  Answer(ImageReader(image_), query, response).run();
}

void View::add_options(const dns::Query& query, dns::Response& response, std::int64_t now) const {
  if (query.edns.has_option(dns::kOptionZoneVersion) && response.authoritative) {
    const Header& header = ImageReader(image_).header();
    const MutableBytes version = response.arena.allocate(6);
    version[0] = header.apex_labels;
    version[1] = 0;  // SOA-SERIAL
    store_u32(version.data() + 2, header.serial);
    response.options.push_back({dns::kOptionZoneVersion, version});
  }
  if (!query.edns.dnssec_ok || signatures_expire_at(now).value_or(now) >= now) return;
  const auto time = static_cast<std::uint32_t>(now);
  if (has_expired(response.answer, time) || has_expired(response.authority, time)) {
    response.options.push_back({dns::kOptionExtendedError, kSignatureExpired});
  }
}

void View::add_negative_soa(const dns::Query& query, dns::Response& response) const {
  Sections(ImageReader(image_), query, response).add_negative_soa();
}

}  // namespace swage::zone
