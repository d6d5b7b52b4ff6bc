// parse() and encode(): queries as bytes, responses decoded by ldns.
#include <deque>
#include <random>

#include <fmt/format.h>

#include "core/dns/encode.h"
#include "core/dns/parse.h"
#include "tests/support/dns_message.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::dns;
namespace t = swage::tests;

std::vector<std::uint8_t> encoded(const Query& query, Response& response, std::size_t room) {
  std::vector<std::uint8_t> out(room);
  out.resize(encode(query, response, out));
  return out;
}

struct Owned {  // owns the bytes of records
  std::vector<std::vector<std::uint8_t>> bytes;
  std::deque<Name> names;
  NameView name(std::string_view text) { return names.emplace_back(*Name::parse(text)); }
  Bytes rdata(std::vector<std::uint8_t> value) { return bytes.emplace_back(std::move(value)); }
  Bytes rdata_name(std::string_view text, std::vector<std::uint8_t> before = {}) {
    const Name value = *Name::parse(text);
    before.insert(before.end(), value.data(), value.data() + value.size());
    return rdata(std::move(before));
  }
};

}  // namespace

TEST_CASE("parse: what a query says") {
  const t::Packet packet =
      t::encode({.name = "WwW.Example.org.",
                 .type = "AAAA",
                 .id = 0x1234,
                 .flags = t::kRd | t::kCd,
                 .opt = t::Opt{.udp_size = 4096, .flags = t::kDnssecOk, .options = {{3, ""}, {10, "12345678"}}}});
  Query query;
  REQUIRE(parse(packet, query) == Parsed::query);
  CHECK(query.id == 0x1234);
  CHECK(query.recursion_desired);
  CHECK(query.checking_disabled);
  CHECK(query.qname.to_string() == "WwW.Example.org.");
  CHECK(query.key.to_string() == "www.example.org.");
  CHECK(query.label_count == 3);
  CHECK(query.suffix(1).to_string() == "Example.org.");
  CHECK(query.key_suffix(3).is_root());
  CHECK(query.qtype == Type::aaaa);
  CHECK(query.qclass == Class::in);
  CHECK(query.edns.present);
  CHECK(query.edns.udp_size == 4096);
  CHECK(query.edns.dnssec_ok);
  CHECK(query.edns.has_option(3));
  CHECK(query.edns.option(3).empty());
  CHECK(as_text(query.edns.option(10)) == "12345678");
  CHECK_FALSE(query.edns.has_option(11));
}

TEST_CASE("parse: every cut of a query is malformed or too short, and nothing is read past its end") {
  const t::Packet whole =
      t::encode({.name = "www.example.org.", .type = "A", .opt = t::Opt{.options = {{10, "12345678"}}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    Query query;
    INFO(size);
    CHECK(parse(cut, query) == (size < 12 ? Parsed::drop : Parsed::formerr));
  }
}

TEST_CASE("parse: what is refused has the OPT record, and never options that are not well formed") {
  const auto opt_with = [](std::uint8_t version, std::string options) {
    t::Packet packet = t::encode({.name = "a.example.", .type = "A", .opt = t::Opt{.version = version}});
    packet[packet.size() - 1] = static_cast<std::uint8_t>(options.size());
    packet.insert(packet.end(), options.begin(), options.end());
    return packet;
  };
  using namespace std::string_literals;
  const struct {
    std::uint8_t version;
    std::string options;
    Parsed parsed;
    bool has_option;
  } cases[] = {{0, "\0\3\0\0"s, Parsed::query, true},    {0, "\0\3\0\1"s, Parsed::formerr, false},
               {0, "\0"s, Parsed::formerr, false},       {1, "\0\3\0\0"s, Parsed::badvers, false},
               {1, "\0\3\0\1"s, Parsed::badvers, false}, {1, "\0"s, Parsed::badvers, false}};
  for (const auto& [version, options, parsed, has_option] : cases) {
    t::Packet packet = opt_with(version, options);
    Query query;
    CHECK(parse(packet, query) == parsed);
    CHECK(query.edns.present);
    CHECK(query.edns.has_option(3) == has_option);
    packet[2] = 0x78;  // another opcode
    CHECK(parse(packet, query) == Parsed::notimp);
    CHECK(query.edns.present);
    CHECK(query.edns.has_option(3) == has_option);
  }
}

TEST_CASE("parse: no bytes crash it, and what it accepts is consistent") {
  std::mt19937 random(1);
  const t::Packet whole =
      t::encode({.name = "www.example.org.", .type = "A", .opt = t::Opt{.options = {{10, "12345678"}}}});
  for (int round = 0; round < 20000; ++round) {
    t::Packet packet = whole;
    for (int change = 0; change < 3; ++change) packet[random() % packet.size()] = static_cast<std::uint8_t>(random());
    Query query;
    if (parse(packet, query) != Parsed::query) continue;
    CHECK(query.qname.size() == query.labels[query.label_count] + 1U);
    CHECK(query.key == query.qname);
  }
}

TEST_CASE("encode: names are compressed, and ldns reads them") {
  const t::Packet packet = t::encode({.name = "a.b.Example.org.", .type = "MX", .flags = t::kRd, .opt = t::Opt{}});
  Query query;
  REQUIRE(parse(packet, query) == Parsed::query);
  Owned own;
  Response response;
  response.rcode = Rcode::noerror;
  response.authoritative = true;
  response.answer.push_back({query.qname, Type::mx, Class::in, 60, own.rdata_name("mail.b.example.org", {0, 10})});
  response.answer.push_back({query.qname, Type::mx, Class::in, 60, own.rdata_name("MAIL.b.example.org", {0, 20})});
  response.authority.push_back({own.name("example.org"), Type::ns, Class::in, 300, own.rdata_name("ns.example.org")});
  response.authority.push_back({own.name("example.org"), Type::ns, Class::in, 300, own.rdata_name("ns.example.net")});
  response.additional.push_back({own.name("ns.example.org"), Type::a, Class::in, 5, own.rdata({192, 0, 2, 1})});
  response.additional.push_back({own.name("."), Type::txt, Class::in, 5, own.rdata({1, 'x'})});
  const auto out = encoded(query, response, 1232);
  const Result<t::Decoded> decoded = t::decode(out);
  REQUIRE(decoded);
  CHECK(decoded->question == std::vector<std::string>{"a.b.Example.org. IN MX"});
  CHECK(decoded->answer == std::vector<std::string>{"a.b.Example.org. 60 IN MX 10 mail.b.Example.org.",
                                                    "a.b.Example.org. 60 IN MX 20 mail.b.Example.org."});
  CHECK(decoded->authority ==
        std::vector<std::string>{"Example.org. 300 IN NS ns.Example.org.", "Example.org. 300 IN NS ns.example.net."});
  CHECK(decoded->additional == std::vector<std::string>{"ns.Example.org. 5 IN A 192.0.2.1", ". 5 IN TXT \"x\""});
  CHECK(decoded->opt->udp_size == 1232);
  // Header 12, question 20; MX 2+10+2+(5+2), MX 2+10+2+2; NS 2+10+(3+2), NS 2+10+12+…; every name that could be is a
  // pointer.
  CHECK(out.size() == 12 + 17 + 4 + (12 + 2 + 7) + (12 + 2 + 2) + (12 + 5) + (12 + 16) + (12 + 4) + (11 + 2) + 11);
}

TEST_CASE("encode: thousands of names over TCP, beyond what a pointer can reach") {
  const t::Packet packet = t::encode({.name = "many.example.", .type = "PTR"});
  Query query;
  REQUIRE(parse(packet, query) == Parsed::query);
  query.transport = Transport::tcp;
  Owned own;
  Response response;
  response.rcode = Rcode::noerror;
  for (int i = 0; i < 1500; ++i) {
    response.answer.push_back(
        {query.qname, Type::ptr, Class::in, 60, own.rdata_name(fmt::format("host-{}.net-{}.example.net", i, i % 40))});
  }
  const auto out = encoded(query, response, 65535);
  const Result<t::Decoded> decoded = t::decode(out);
  REQUIRE(decoded);
  REQUIRE(decoded->answer.size() == 1500);
  for (int i = 0; i < 1500; ++i) {
    REQUIRE(decoded->answer[static_cast<std::size_t>(i)] ==
            fmt::format("many.example. 60 IN PTR host-{}.net-{}.example.net.", i, i % 40));
  }
}

TEST_CASE("encode: what does not fit, at every size") {
  const t::Packet packet = t::encode({.name = "example.org.", .type = "NS", .opt = t::Opt{.udp_size = 65535}});
  Query query;
  REQUIRE(parse(packet, query) == Parsed::query);
  Owned own;
  Response response;
  response.rcode = Rcode::noerror;
  for (int i = 0; i < 20; ++i) {
    response.answer.push_back(
        {query.qname, Type::ns, Class::in, 60, own.rdata_name(fmt::format("ns{}.example.org", i))});
  }
  for (int i = 0; i < 10; ++i) {
    response.additional.push_back(
        {own.name(fmt::format("ns{}.example.org", i)), Type::a, Class::in, 60, own.rdata({192, 0, 2, 1})});
  }
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 2; ++j) {
      Record record{own.name(fmt::format("ns{}.example.org", i)), Type::aaaa, Class::in, 60,
                    own.rdata({0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(j)})};
      record.optional = true;
      response.additional.push_back(record);
    }
  }
  const std::size_t whole = encoded(query, response, 4096).size();
  REQUIRE(whole > 1100);
  bool over_tcp = false;
  SECTION("over UDP") {}
  SECTION("over TCP") { over_tcp = true; }
  if (over_tcp) query.transport = Transport::tcp;
  for (std::size_t room = 512; room <= whole; ++room) {
    INFO(room);
    const auto out = encoded(query, response, room);
    REQUIRE(out.size() <= room);
    const Result<t::Decoded> decoded = t::decode(out);
    REQUIRE(decoded);
    const bool all_needed = decoded->answer.size() == 20 && decoded->additional.size() >= 10;
    CHECK(decoded->has(t::kTc) != all_needed);
    CHECK((decoded->additional.size() < 10 || decoded->additional.size() % 2 == 0));
    CHECK(decoded->opt);
    CHECK(response.truncated == decoded->has(t::kTc));
    if (!decoded->has(t::kTc)) continue;
    if (over_tcp) {
      CHECK(out.size() + 28 > room);  // as many as fit: the longest takes 28 bytes
    } else {
      CHECK(out.size() == 12 + 13 + 4 + 11);  // header, question, OPT
    }
  }
}

TEST_CASE("encode: a client that is to ask over TCP gets no records over UDP; the CO bit") {
  const t::Packet packet =
      t::encode({.name = "example.org.", .type = "A", .opt = t::Opt{.flags = t::kDnssecOk | 0x4000}});
  Query query;
  REQUIRE(parse(packet, query) == Parsed::query);
  CHECK(query.edns.compact_ok);
  Owned own;
  Response response;
  response.rcode = Rcode::noerror;
  response.answer.push_back({query.qname, Type::a, Class::in, 60, own.rdata({192, 0, 2, 1})});
  CHECK(t::decode(encoded(query, response, 512))->opt->flags == t::kDnssecOk);
  response.ask_over_tcp = response.compact = true;
  const Result<t::Decoded> sent = t::decode(encoded(query, response, 512));
  CHECK(sent->has(t::kTc));
  CHECK(sent->answer.empty());
  CHECK(sent->opt->flags == (t::kDnssecOk | 0x4000));
  query.transport = Transport::tcp;
  CHECK(t::decode(encoded(query, response, 512))->answer.size() == 1);
  response.clear();
  CHECK_FALSE((response.ask_over_tcp || response.compact));
}

TEST_CASE("encode: sizes of UDP responses") {
  Query query;
  const auto limit = [&](std::optional<t::Opt> opt) {
    const t::Packet packet = t::encode({.name = "example.org.", .type = "A", .opt = std::move(opt)});
    REQUIRE(parse(packet, query) == Parsed::query);
    return size_limit(query);
  };
  CHECK(limit(std::nullopt) == 512);
  CHECK(limit(t::Opt{.udp_size = 0}) == 512);
  CHECK(limit(t::Opt{.udp_size = 513}) == 513);
  CHECK(limit(t::Opt{.udp_size = 4096}) == 1232);
  query.transport = Transport::tcp;
  CHECK(size_limit(query) == 65535);
}

TEST_CASE("encode: an rcode above 15 needs an OPT") {
  Query query;
  const t::Packet with = t::encode({.name = "example.org.", .type = "A", .opt = t::Opt{.version = 1}});
  REQUIRE(parse(with, query) == Parsed::badvers);
  Response response;
  response.rcode = Rcode::badvers;
  CHECK(t::decode(encoded(query, response, 512))->rcode == 16);
  const t::Packet without = t::encode({.name = "example.org.", .type = "A"});
  REQUIRE(parse(without, query) == Parsed::query);
  CHECK(t::decode(encoded(query, response, 512))->rcode == 2);
}

TEST_CASE("types: mnemonics there and back") {
  for (unsigned number = 0; number <= 0xFFFF; ++number) {
    const auto type = static_cast<Type>(number);
    if (parse_type(to_string(type)) != type) FAIL(number);
  }
  CHECK(to_string(static_cast<Type>(65280)) == "TYPE65280");
  CHECK(parse_type("https") == Type::https);
  CHECK_FALSE(parse_type("TYPE65536"));
  CHECK_FALSE(parse_type("TYPE"));
  CHECK_FALSE(parse_type("AAA"));
  CHECK(parse_class("ch") == Class::ch);
  CHECK(parse_class("CLASS32") == static_cast<Class>(32));
}
