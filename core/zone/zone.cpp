#include "core/zone/zone.h"

#include "core/counted.h"
#include "core/zone/answer.h"
#include "core/zone/lookup.h"

namespace swage::dns {

using zone_image::Header;

Result<> Zone::check(Bytes image) {
  if (image.size() < sizeof(Header)) return fail("a zone image of {} is too short", counted(image.size(), "byte"));
  Header header;
  std::memcpy(&header, image.data(), sizeof header);
  if (header.magic != zone_image::kMagic) return fail("not a zone image");
  if (header.version != zone_image::kVersion) {
    return fail("zone image of version {}, not {}", header.version, zone_image::kVersion);
  }
  if (header.size != image.size()) {
    return fail("zone image of {} bytes should have {}", image.size(), header.size);
  }
  return {};
}

NameView Zone::apex() const { return ImageReader(image_).apex().name(); }
std::uint32_t Zone::serial() const { return ImageReader(image_).header().serial; }
std::uint32_t Zone::nodes() const { return ImageReader(image_).header().nodes; }
std::uint32_t Zone::records() const { return ImageReader(image_).header().records; }

std::optional<std::uint32_t> Zone::signatures_expire() const {
  const Header& header = ImageReader(image_).header();
  return header.signatures == 0 ? std::nullopt : std::optional(header.signatures_expire);
}

std::optional<std::int64_t> Zone::signatures_expire_at(std::int64_t now) const {
  const auto expire = signatures_expire();
  if (!expire) return std::nullopt;
  return now + static_cast<std::int32_t>(*expire - static_cast<std::uint32_t>(now));
}

void Zone::answer(const Query& query, Response& response) const {
  ZoneAnswer(ImageReader(image_), query, response).run();
}

void Zone::add_negative_soa(const Query& query, Response& response) const {
  ZoneSections(ImageReader(image_), query, response).add_negative_soa();
}

}  // namespace swage::dns
