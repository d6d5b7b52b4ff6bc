#include "core/zone/builder.h"

#include "core/zone/lookup.h"
#include "core/zone/view.h"
#include "tests/support/zone_answers.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

#include <fmt/format.h>

namespace swage::zone {
namespace {

using Image = std::vector<std::uint64_t>;

MutableBytes bytes_of(Image& image) { return {reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8}; }

Image write(Builder& builder) {
  const auto finished = builder.finish();
  if (!finished) FAIL(finished.error().text());
  Image image(builder.image_size() / 8);
  builder.write(bytes_of(image));
  return image;
}

dns::Name name(std::string_view text) { return *dns::Name::parse(text); }

// A builder for example.org with a SOA and a NS record.
Builder started() {
  Builder builder(name("example.org"));
  const std::vector<std::uint8_t> soa(22);  // two roots and five zeros
  const std::vector<std::uint8_t> ns(1);
  REQUIRE(builder.add(name("example.org"), dns::Type::soa, 60, soa));
  REQUIRE(builder.add(name("example.org"), dns::Type::ns, 60, ns));
  return builder;
}

std::string add_error(std::string_view owner, dns::Type type, std::vector<std::uint8_t> rdata) {
  Builder builder = started();
  const auto added = builder.add(name(owner), type, 60, rdata);
  return added ? "" : added.error().text();
}

TEST_CASE("zone builder: what it refuses at once") {
  CHECK(add_error("a.example.org", dns::Type::a, {1, 2, 3, 4}).empty());
  CHECK(add_error("example.com", dns::Type::a, {1, 2, 3, 4}) == "example.com. is outside the zone example.org.");
  CHECK(add_error("org", dns::Type::a, {1, 2, 3, 4}) == "org. is outside the zone example.org.");
  CHECK(add_error("a.example.org", dns::Type::soa, std::vector<std::uint8_t>(22)) ==
        "SOA record at a.example.org., below the apex");
  CHECK(add_error("a.example.org", dns::Type::any, {}) == "ANY cannot be in a zone");
  CHECK(add_error("a.example.org", dns::Type{0}, {}) == "TYPE0 cannot be in a zone");
  CHECK(add_error("a.example.org", dns::Type::nsec3param, {1, 0, 1, 245, 0}) ==
        "NSEC3PARAM: 501 iterations, more than 500");
  struct Malformed {
    dns::Type type;
    std::vector<std::uint8_t> rdata;
    const char* error;
  };
  const std::vector<Malformed> malformed = {
      {dns::Type::a, {1, 2, 3}, "A: address: cut short"},
      {dns::Type::a, {1, 2, 3, 4, 5}, "A: 1 byte after its last field, address"},
      {dns::Type::aaaa, {}, "AAAA: address: missing"},
      {dns::Type::ns, {}, "NS: name server: missing"},
      {dns::Type::ns, {1, 'a'}, "NS: name server: not an uncompressed domain name"},
      {dns::Type::cname, {0, 0}, "CNAME: 1 byte after its last field, target"},
      {dns::Type::dname, {64, 0}, "DNAME: target: not an uncompressed domain name"},
      {dns::Type::mx, {0, 1}, "MX: mail server: missing"},
      {dns::Type::mx, {0, 1, 0, 0}, "MX: 1 byte after its last field, mail server"},
      {dns::Type::srv, {0, 0, 0, 0, 0}, "SRV: port: cut short"},
      {dns::Type::soa, {0, 0}, "SOA: serial: missing"},
      {dns::Type::https, {0, 1, 1}, "HTTPS: target: not an uncompressed domain name"},
      {dns::Type::txt, {}, "TXT: text: missing"},
      {dns::Type::txt, {2, 'a'}, "TXT: text: longer than the data"},
      {dns::Type::rrsig, {0, 1}, "RRSIG: algorithm: missing"},
      {dns::Type::nsec, {1}, "NSEC: next name: not an uncompressed domain name"},
      {dns::Type::nsec3, {1, 0, 0, 0}, "NSEC3: salt: missing"},
      {dns::Type::nsec3param, {1, 0, 0, 0, 1}, "NSEC3PARAM: salt: longer than the data"},
      {dns::Type::ns, {0xC0, 0x0C}, "NS: name server: not an uncompressed domain name"},
  };
  for (const auto& [type, rdata, error] : malformed) {
    CHECK(add_error("example.org", type, rdata) == error);
  }
}

TEST_CASE("zone builder: the order of records does not show in the image") {
  std::vector<std::pair<dns::Name, std::uint8_t>> records;
  for (std::uint8_t i = 0; i < 200; ++i) records.emplace_back(name(fmt::format("n{}.example.org", i % 50)), i);
  std::vector<Image> images;
  std::mt19937 random(1);
  for (int round = 0; round < 3; ++round) {
    Builder builder = started();
    for (const auto& [owner, byte] : records) {
      REQUIRE(builder.add(owner, dns::Type::a, 60, std::array<std::uint8_t, 4>{1, 2, 3, byte}));
    }
    images.push_back(write(builder));
    std::shuffle(records.begin(), records.end(), random);
  }
  CHECK(images[0] == images[1]);
  CHECK(images[0] == images[2]);
}

TEST_CASE("zone builder: an RRset may be of any size, up to that of a message") {
  for (const unsigned count : {300U, 4094U, 4095U}) {
    Builder builder = started();
    for (unsigned i = 0; i < count; ++i) {
      std::array<std::uint8_t, 4> address;
      store_u32(address.data(), i);
      REQUIRE(builder.add(name("a.example.org"), dns::Type::a, 60, address));
    }
    if (count > 4094) {  // header, question, and 16 bytes a record
      CHECK(builder.finish().error().text() ==
            "a.example.org. A has 4095 records of 65551 bytes, more than fit into a message");
      continue;
    }
    Image image = write(builder);
    dns::Query query;
    const dns::Name qname = name("a.example.org");
    query.ask(qname);
    dns::Response response;
    View(bytes_of(image)).answer(query, response);
    CHECK(response.answer.size() == count);
  }
}

TEST_CASE("zone: check() tells images from other bytes") {
  Builder builder = started();
  Image image = write(builder);
  const Bytes bytes = bytes_of(image);
  const auto error = [](Bytes of) { return View::check(of).error().text(); };
  CHECK(View::check(bytes));
  CHECK(error({}) == "a zone image of 0 bytes is too short");
  CHECK(error(bytes.first(bytes.size() - 1)) ==
        fmt::format("zone image of {} bytes should have {}", bytes.size() - 1, bytes.size()));
  image[0] ^= 1;
  CHECK(error(bytes) == "not a zone image");
  image[0] ^= 1;
  image[2] ^= 0x80;
  CHECK(error(bytes) == "zone image of version 130, not 2");
  image[2] ^= 0x80;
  const View zone(bytes);
  CHECK(zone.apex() == name("example.org"));
  CHECK(zone.serial() == 0);
  CHECK(zone.nodes() == 1);
  CHECK(zone.records() == 2);
}

// Finds names the slow way.
class Model {
 public:
  void add(dns::Name owner) {
    for (dns::NameView part = owner; part.size() >= name("example.org").size(); part = part.parent())
      names_.emplace(dns::Name(part), 0);
  }
  [[nodiscard]] dns::Name closest_encloser(dns::NameView wanted) const {
    while (!names_.contains(dns::Name(wanted))) wanted = wanted.parent();
    return wanted;
  }

 private:
  std::map<dns::Name, int> names_;
};

TEST_CASE("zone: every name is found, and for every other its closest encloser") {
  std::mt19937 random(7);
  const auto random_name = [&] {
    const std::size_t labels = random() % 10 == 0 ? 1 + random() % 100 : 1 + random() % 4;
    std::string text;
    const std::size_t longest = labels > 20 ? 1 : 2;
    for (std::size_t i = 0; i < labels; ++i) {
      text += std::string(1 + random() % longest, "abcDEF"[random() % 6]) + ".";
    }
    return name(text + "example.org");
  };
  Builder builder = started();
  Model model;
  model.add(name("example.org"));
  for (int i = 0; i < 2000; ++i) {
    const dns::Name owner = random_name();
    REQUIRE(builder.add(owner, dns::Type::a, 60, std::array<std::uint8_t, 4>{}));
    model.add(owner);
  }
  Image image = write(builder);
  const ImageReader reader(bytes_of(image).data());
  SearchName search(reader.header());
  for (int i = 0; i < 4000; ++i) {
    const dns::Name wanted = random_name();
    search.set(wanted);
    const Found found = reader.find(search);
    const dns::Name encloser = model.closest_encloser(wanted);
    REQUIRE(found.encloser->name() == encloser);
    REQUIRE((found.node != nullptr) == (encloser == wanted));
    REQUIRE(found.depth == encloser.view().label_count() - 2);
  }
}

TEST_CASE("zone: nodes are in canonical order") {
  // RFC 4034 section 6.1, with an apex that such names can be below of.
  const auto image = tests::build_image(
      "@ 60 SOA a. b. 1 2 3 4 5\n@ 60 NS a.\n$TTL 60\n*.z A 192.0.2.1\n\\200.z A 192.0.2.1\nyljkjljk.a A 192.0.2.1\n"
      "Z A 192.0.2.1\nzABC.a A 192.0.2.1\na A 192.0.2.1\nz.z A 192.0.2.1\n\\001.z A 192.0.2.1\n\\000.z A 192.0.2.1\n"
      "Z.a A 192.0.2.1\n\\000\\001.z A 192.0.2.1\n\\001\\000.z A 192.0.2.1\n\\002.z A 192.0.2.1\n",
      "zone", "example");
  REQUIRE(image);
  std::string order;
  const std::string text = tests::records_text(*image);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    if (text.compare(at, 8, "example.") != 0) order += text.substr(at, text.find(' ', at) - at) + " ";
  }
  CHECK(order ==
        "a.example. yljkjljk.a.example. Z.a.example. zABC.a.example. Z.example. \\000.z.example. \\000\\001.z.example. "
        "\\001.z.example. \\001\\000.z.example. \\002.z.example. *.z.example. z.z.example. \\200.z.example. ");
}

}  // namespace
}  // namespace swage::zone
