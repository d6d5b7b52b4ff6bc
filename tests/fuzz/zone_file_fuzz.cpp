// Zone files of any bytes. What can be read becomes an image, which is then asked for all its names and for names below
// them.
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/zone/builder.h"
#include "core/zone/lookup.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"

namespace {

using namespace swage;

// Files of this machine are no part of the input, and a $GENERATE of a million records only costs time.
bool is_wanted(std::string_view text) {
  std::string lower(text);
  std::size_t digits = 0, longest = 0;
  for (char& c : lower) {
    c = static_cast<char>(dns::lower(static_cast<std::uint8_t>(c)));
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    longest = std::max(longest, digits);
  }
  return lower.find("$include") == std::string::npos && (lower.find("$generate") == std::string::npos || longest < 4);
}

void ask(const zone::View& zone, dns::NameView qname) {
  static dns::Response response;
  dns::Query query;
  query.ask(qname);
  for (const auto type :
       {dns::Type::a, dns::Type::ns, dns::Type::cname, dns::Type::ds, dns::Type::any, dns::Type::rrsig}) {
    for (const bool dnssec_ok : {false, true}) {
      query.qtype = type;
      query.edns.dnssec_ok = dnssec_ok;
      response.clear();
      zone.answer(query, response);
      CHECK(response.rcode == dns::Rcode::noerror || response.rcode == dns::Rcode::nxdomain ||
            response.rcode == dns::Rcode::yxdomain);
      CHECK(!response.answer.empty() || !response.authority.empty());
      CHECK(response.answer.empty() || response.authoritative);
    }
  }
}

void ask_all(Bytes image) {
  const zone::View zone(image);
  const zone::ImageReader reader(image.data());
  const auto* node = reader.at<zone::image::Node>(reader.header().first_node);
  for (unsigned i = 0; i < std::min(zone.nodes(), 64U); ++i) {
    ask(zone, node->name());
    if (const auto below = dns::Name(node->name()).child(as_bytes("x"))) ask(zone, *below);
    const zone::Rrsets rrsets(*node);
    auto rrset = rrsets.begin();
    while (rrset != zone::Rrsets::end()) ++rrset;
    node = reinterpret_cast<const zone::image::Node*>(&*rrset);  // which is behind the last
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dns::Name apex = *dns::Name::parse("example");
  const std::string_view text = as_text({data, size});
  if (!is_wanted(text)) return -1;
  zone::Builder builder(apex);
  if (!zonefile::read_text(text, "fuzz", apex, builder)) return 0;
  std::vector<std::uint64_t> image(builder.image_size() / 8);
  const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8);
  builder.write(bytes);
  CHECK(zone::View::check(bytes));
  ask_all(bytes);
  return 0;
}
