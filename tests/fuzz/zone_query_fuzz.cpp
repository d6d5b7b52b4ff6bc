// Queries of any name and type to three zones: with NSEC, with NSEC3 and opt-out, and one with everything that
// redirects. A query: one byte for the zone and the DO bit, two for the type, and a byte for each label, from right to
// left.
#include <array>
#include <string>
#include <vector>

#include "core/dns/encode.h"
#include "core/zone/builder.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"

namespace {

using namespace swage;

constexpr const char* kRedirects =
    "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n@ MX 1 a.w\n* TXT w\na A 192.0.2.1\nb DNAME a\nc DNAME c.c\nw NS a.w\n"
    "a.w A 192.0.2.2\nx CNAME y\ny CNAME x\n*.z CNAME a.b\n*.ns1 CNAME x.c\na.*.xx A 192.0.2.3\nai DNAME @\n"
    "2.ns2 DS 1 1 1 0000000000000000000000000000000000000000\n2.ns2 NS a\nmc CNAME a.w\n";

struct Zones {
  std::vector<std::vector<std::uint64_t>> images;

  Zones() {
    add([](auto apex, auto& into) { return zonefile::read_file("tests/support/zones/rfc4035.zone", apex, into); });
    add([](auto apex, auto& into) { return zonefile::read_file("tests/support/zones/rfc5155.zone", apex, into); });
    add([](auto apex, auto& into) { return zonefile::read_text(kRedirects, "redirects", apex, into); });
  }
  template <typename Read>
  void add(Read read) {
    const dns::Name apex = *dns::Name::parse("example");
    zone::Builder builder(apex);
    CHECK(read(apex.view(), builder));
    images.emplace_back(builder.image_size() / 8);
    builder.write({reinterpret_cast<std::uint8_t*>(images.back().data()), builder.image_size()});
  }
};

dns::Name name_of(Bytes labels) {
  static constexpr std::array<std::string_view, 16> kLabels = {
      "a",
      "b",
      "c",
      "w",
      "x",
      "y",
      "z",
      "*",
      "ns1",
      "NS2",
      "xx",
      "ai",
      "mc",
      "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "0",
  };
  dns::Name name = *dns::Name::parse("example");
  for (const std::uint8_t label : labels) {
    if (const auto longer = name.child(as_bytes(kLabels[label % kLabels.size()]))) name = *longer;
  }
  return name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Zones zones;
  static dns::Response response;
  static std::array<std::uint8_t, 65535> out;
  if (size < 3) return -1;
  const auto& image = zones.images[data[0] % 3];
  const dns::Name name = name_of({data + 3, size - 3});
  std::vector<std::uint8_t> message(12);
  message[5] = 1;
  message.insert(message.end(), name.data(), name.data() + name.size());
  message.insert(message.end(), {data[1], data[2], 0, 1});
  dns::Query query;
  query.message = message;
  query.ask({message.data() + 12, name.size()});
  query.qtype = dns::Type{load_u16(data + 1)};
  query.edns.present = query.edns.dnssec_ok = (data[0] & 0x80) != 0;
  response.clear();
  zone::View({reinterpret_cast<const std::uint8_t*>(image.data()), image.size() * 8}).answer(query, response);
  CHECK(response.rcode == dns::Rcode::noerror || response.rcode == dns::Rcode::nxdomain ||
        response.rcode == dns::Rcode::yxdomain);
  CHECK(!response.answer.empty() || !response.authority.empty());
  for (const dns::Record& record : response.answer) CHECK(record.owner.is_under(*dns::Name::parse("example")));
  CHECK(dns::encode(query, response, out) >= 12);
  return 0;
}
