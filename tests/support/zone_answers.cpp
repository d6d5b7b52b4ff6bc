#include "tests/support/zone_answers.h"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <memory>

#include "core/zone/builder.h"
#include "core/zone/lookup.h"
#include "core/zonefile/reader.h"

namespace swage::tests {
namespace {

dns::Name name_of(std::string_view text) {
  const auto name = dns::Name::parse(text);
  CHECK(name.has_value());
  return *name;
}

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  std::abort();
}

void append_section(std::string& text, const char* title, const std::vector<dns::Record>& records) {
  if (records.empty()) return;
  if (*title != '\0') text += fmt::format("-- {}\n", title);
  for (const dns::Record& record : records) text += record_text(record) + (record.optional ? " (optional)\n" : "\n");
}

// In the form of RFC 3597, for what ldns cannot print.
std::string unknown_text(const dns::Record& record) {
  std::string text = fmt::format("{} {} IN {} \\# {} ", record.owner.to_string(), record.ttl, to_string(record.type),
                                 record.rdata.size());
  for (const std::uint8_t byte : record.rdata) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

TestZone::TestZone(std::string_view text, std::string_view apex) {
  zone::Builder builder(name_of(apex));
  if (const auto read = zonefile::read_text(text, "zone", name_of(apex), builder); !read) give_up(read.error());
  size_ = builder.image_size();
  image_.resize((size_ + 7) / 8);
  builder.write({reinterpret_cast<std::uint8_t*>(image_.data()), size_});
}

TestZone TestZone::from_file(const std::string& path, std::string_view apex) {
  zone::Builder builder(name_of(apex));
  if (const auto read = zonefile::read_file(path, name_of(apex), builder); !read) give_up(read.error());
  TestZone zone;
  zone.size_ = builder.image_size();
  zone.image_.resize((zone.size_ + 7) / 8);
  builder.write({reinterpret_cast<std::uint8_t*>(zone.image_.data()), zone.size_});
  return zone;
}

std::string TestZone::ask(std::string_view qname, std::string_view qtype, bool dnssec_ok) const {
  const dns::Name name = name_of(qname);
  dns::Query query;
  query.ask(name);
  query.qtype = *dns::parse_type(qtype);
  query.edns.present = query.edns.dnssec_ok = dnssec_ok;
  dns::Response response;
  zone().answer(query, response);
  return response_text(response);
}

Result<std::vector<std::uint8_t>> build_image(std::string_view text, const std::string& file, std::string_view apex) {
  zone::Builder builder(name_of(apex));
  TRY(zonefile::read_text(text, file, name_of(apex), builder));
  std::vector<std::uint8_t> image(builder.image_size());
  builder.write(image);
  return image;
}

std::string records_text(Bytes image) {
  std::string text;
  const zone::ImageReader reader(image.data());
  const auto* node = reader.at<zone::image::Node>(reader.header().first_node);
  for (unsigned i = 0; i < reader.header().nodes; ++i) {
    const zone::Rrsets rrsets(*node);
    auto rrset = rrsets.begin();
    for (; rrset != zone::Rrsets::end(); ++rrset) {
      zone::RdataCursor rdata(*rrset);
      for (unsigned k = 0; k < (*rrset).count + (*rrset).sigs; ++k) {
        const auto type = k < (*rrset).count ? dns::Type{(*rrset).type} : dns::Type::rrsig;
        text += record_text({node->name(), type, dns::Class::in, (*rrset).ttl, rdata.next(), false}) + '\n';
      }
    }
    node = reinterpret_cast<const zone::image::Node*>(&*rrset);  // which follows the last
  }
  return text;
}

std::string records_besides(std::string_view lines) {
  const auto image = build_image(std::string(kZoneStart) + std::string(lines), "zone", "example.org");
  if (!image) return image.error().text();
  std::string text = records_text(*image);
  for (const std::string_view line : {"example.org. 60 IN NS ns.example.org.\n",
                                      "example.org. 60 IN SOA ns.example.org. host.example.org. 1 2 3 4 5\n"}) {
    const std::size_t at = text.find(line);
    if (at == std::string::npos) return "not there: " + std::string(line);
    text.erase(at, line.size());
  }
  return text;
}

std::string record_text(const dns::Record& record) {
  std::vector<std::uint8_t> wire(record.owner.data(), record.owner.data() + record.owner.size());
  const auto put = [&](std::size_t size, std::uint32_t value) {
    while (size-- > 0) wire.push_back(static_cast<std::uint8_t>(value >> (8 * size)));
  };
  put(2, static_cast<std::uint16_t>(record.type));
  put(2, static_cast<std::uint16_t>(record.rclass));
  put(4, record.ttl);
  put(2, static_cast<std::uint32_t>(record.rdata.size()));
  wire.insert(wire.end(), record.rdata.begin(), record.rdata.end());
  ldns_rr* rr = nullptr;
  std::size_t at = 0;
  if (ldns_wire2rr(&rr, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
    return "malformed record";
  char* const line = ldns_rr2str(rr);
  ldns_rr_free(rr);
  if (line == nullptr) return unknown_text(record);
  std::string text = line;
  std::free(line);
  text = text.substr(0, std::min(text.find('\n'), text.find(" ;{")));
  std::ranges::replace(text, '\t', ' ');
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string response_text(const dns::Response& response) {
  std::string text = to_string(response.rcode) + (response.authoritative ? " aa\n" : "\n");
  append_section(text, "", response.answer);
  append_section(text, "authority", response.authority);
  append_section(text, "additional", response.additional);
  return text;
}

}  // namespace swage::tests
