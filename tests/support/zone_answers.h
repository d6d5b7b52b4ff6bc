// For tests: zones from text, and what they answer as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/response.h"
#include "core/dns/types.h"
#include "core/result.h"
#include "core/zone/view.h"

namespace swage::tests {

// Owns the image of a zone.
class TestZone {
 public:
  // The zone in `text`; ends the test run where it cannot be read.
  TestZone(std::string_view text, std::string_view apex);
  [[nodiscard]] static TestZone from_file(const std::string& path, std::string_view apex);

  [[nodiscard]] zone::View zone() const { return zone::View(bytes()); }
  [[nodiscard]] Bytes bytes() const { return {reinterpret_cast<const std::uint8_t*>(image_.data()), size_}; }

  // The answer as text: "NOERROR aa", then each record on a line in presentation format, fields separated by one space.
  // "-- authority" and "-- additional" stand before those sections where they have records; "(optional)" follows a
  // record that may be left out.
  [[nodiscard]] std::string ask(std::string_view qname, std::string_view qtype, bool dnssec_ok = false) const;

 private:
  TestZone() = default;

  std::vector<std::uint64_t> image_;
  std::size_t size_ = 0;
};

// The image of a zone file's text, or why there is none.
[[nodiscard]] Result<std::vector<std::uint8_t>> build_image(std::string_view text, const std::string& file,
                                                            std::string_view apex);

// All records of an image but NSEC3s, one a line, in canonical order.
[[nodiscard]] std::string records_text(Bytes image);

// What a zone example.org with these lines after kZoneStart holds besides it (records_text), or the Error.
inline constexpr std::string_view kZoneStart = "@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN NS ns\n";
[[nodiscard]] std::string records_besides(std::string_view lines);

// One record in presentation format, by ldns.
[[nodiscard]] std::string record_text(const dns::Record& record);
[[nodiscard]] std::string response_text(const dns::Response& response);

}  // namespace swage::tests
