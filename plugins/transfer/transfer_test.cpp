#include "plugins/transfer/transfer.h"

#include <array>
#include <set>

#include <fmt/format.h>

#include "core/zone/diff.h"
#include "core/zone/journal.h"
#include "plugins/transfer/notice.h"
#include "plugins/transfer/outbox.h"
#include "tests/support/dns_message.h"
#include "tests/support/log_capture.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::plugins::transfer;
using namespace std::chrono_literals;
using tests::TestZone;

namespace {

// Serves versions of example.org, the last one of them.
struct Versions : Plugin, ZoneSource {
  std::vector<TestZone> zones;
  std::vector<std::uint8_t> journal;

  void add(std::string_view records) {
    zones.emplace_back(records, "example.org");
    const std::size_t count = zones.size();
    if (count > 1) journal = zone::next_journal(journal, zones[count - 2].bytes(), zones[count - 1].bytes());
  }
  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    return next(query, response);
  }
  std::optional<ZoneVersion> find(dns::NameView apex) const override {
    if (zones.empty() || zones.back().zone().apex() != apex) return {};
    return ZoneVersion{{zones.back().bytes(), {}}, {journal, {}}};
  }
  void for_each(const std::function<void(const ZoneVersion&)>& visit) const override {
    if (!zones.empty()) visit(*find(zones.back().zone().apex()));
  }
};

constexpr std::array kPlugins = {PluginType{"transfer", &plugins::transfer::setup},
                                 PluginType{"versions", [](Controller& controller) -> Result<> {
                                              controller.once();
                                              auto versions = std::make_unique<Versions>();
                                              controller.block().zone_sources.push_back(versions.get());
                                              controller.add(std::unique_ptr<const Plugin>(std::move(versions)));
                                              return {};
                                            }}};

std::string setup_error(std::string_view corefile) { return tests::PluginHarness::setup_error(kPlugins, corefile); }

// An IXFR request from that serial.
tests::Packet ixfr(std::uint32_t serial) {
  tests::Packet packet = tests::encode({.name = "example.org.", .type = "IXFR"});
  packet[9] = 1;
  constexpr std::array<std::uint8_t, 12> kSoa = {0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22};
  packet.insert(packet.end(), kSoa.begin(), kSoa.end());
  std::array<std::uint8_t, 22> rdata{};
  store_u32(&rdata[2], serial);
  packet.insert(packet.end(), rdata.begin(), rdata.end());
  return packet;
}

class Primary {
 public:
  explicit Primary(std::string_view to)
      : harness_(kPlugins, fmt::format("org {{\n versions\n transfer {{\n{}\n}}\n}}", to)) {
    versions_ = const_cast<Versions*>(
        dynamic_cast<const Versions*>(harness_.configuration().blocks[0]->settings.zone_sources.front()));
  }

  [[nodiscard]] Versions& versions() const { return *versions_; }

  // "NOERROR aa", then the records of all messages, as "OWNER TYPE DATA", "; " between them.
  std::string ask(const tests::Packet& request, dns::Transport transport = dns::Transport::tcp,
                  std::string_view client = "192.0.2.1") {
    arrival_.transport = transport;
    arrival_.received = 1'000'000'000;
    arrival_.client.address = *IpAddress::parse(client);
    std::vector<std::uint8_t> out(0xFFFF);
    const std::size_t size =
        responder_.respond(harness_.configuration().listeners.begin()->second, request, arrival_, out);
    std::string text;
    messages = 0;
    take(Bytes(out).first(size), text);
    if (transport == dns::Transport::udp || !responder_.has_following()) return text;
    server::Following following = responder_.take_following();
    while (const auto next = responder_.next(following, arrival_, out)) {
      if (*next == 0) break;
      if (messages == pause_after && in_pause) in_pause();
      take(Bytes(out).first(*next), text);
    }
    return text;
  }
  std::string axfr(std::string_view name = "example.org.", dns::Transport transport = dns::Transport::tcp,
                   std::string_view client = "192.0.2.1") {
    return ask(tests::encode({.name = std::string(name), .type = "AXFR"}), transport, client);
  }
  [[nodiscard]] std::string metrics() const { return harness_.metrics_text(); }

  std::size_t messages = 0, records = 0, largest = 0;
  std::size_t pause_after = 0;
  std::function<void()> in_pause;

 private:
  void take(Bytes message, std::string& text) {
    const Result<tests::Decoded> decoded = tests::decode(message);
    REQUIRE(decoded);
    if (messages++ == 0) text = decoded->rcode_text(), records = 0, largest = 0;
    CHECK((message[2] & 2U) == 0);  // TC
    largest = std::max(largest, message.size());
    for (const std::string& record : decoded->answer) text += "; " + record;
    records += decoded->answer.size();
  }

  tests::PluginHarness harness_;
  Versions* versions_;
  server::Responder responder_;
  server::Arrival arrival_{};
};

std::string zone_text(std::uint32_t serial, std::string_view rest = "") {
  return fmt::format("@ 60 SOA ns host {} 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n{}", serial, rest);
}

std::string soa(std::uint32_t serial) {
  return fmt::format("; example.org. 60 IN SOA ns.example.org. host.example.org. {} 2 3 4 5", serial);
}

constexpr std::string_view kRest = "; example.org. 60 IN NS ns.example.org.; ns.example.org. 60 IN A 192.0.2.1";

}  // namespace

TEST_CASE("transfer: setup") {
  CHECK(setup_error("example.org {\n transfer {\n  to *\n }\n}") == "");
  CHECK(setup_error("example.org {\n transfer example.org {\n  to 192.0.2.1 [2001:db8::1]:5353 10.0.0.0/8\n  to "
                    "2001:db8::2\n }\n}") == "");
  CHECK(setup_error("example.org {\n transfer a.example.org {\n  to *\n }\n transfer {\n  to 192.0.2.1:54\n }\n}") ==
        "");
  CHECK(setup_error("example.org {\n transfer\n}") == "Corefile:2: transfer: expected a block with 'to ADDRESS...'");
  CHECK(setup_error("example.org {\n transfer {\n }\n}") ==
        "Corefile:2: transfer: expected a block with 'to ADDRESS...'");
  CHECK(setup_error("example.org {\n transfer {\n  to\n }\n}") ==
        "Corefile:3: transfer: expected '*', addresses or networks after 'to'");
  CHECK(setup_error("example.org {\n transfer {\n  to nowhere\n }\n}") ==
        "Corefile:3: transfer: to: 'nowhere' is not an address with or without a port; nor is it '*' or a network");
  CHECK(setup_error("example.org {\n transfer {\n  to 192.0.2.0/33\n }\n}") ==
        "Corefile:3: transfer: to: '192.0.2.0/33' is not a network");
  CHECK(setup_error("example.org {\n transfer {\n  to 192.0.2.1:0\n }\n}").starts_with("Corefile:3: transfer: "));
  CHECK(
      setup_error("example.org {\n transfer {\n  form *\n }\n}").starts_with("Corefile:3: transfer: unknown property"));
  CHECK(setup_error("example.org {\n transfer {\n  to *\n }\n transfer {\n  to *\n }\n}") ==
        "Corefile:5: transfer: zone example.org. stands in a 'transfer' before");
  CHECK(setup_error("example.org {\n transfer {\n  to *\n  tsig key.\n }\n}") ==
        "Corefile:4: transfer: the server block has no directive 'tsig', which has the keys");
}

TEST_CASE("transfer: a whole zone, with the SOA at both ends") {
  Primary primary("to 192.0.2.0/24");
  CHECK(primary.axfr() == "NOTAUTH");
  primary.versions().add(zone_text(1));
  CHECK(primary.axfr() == "NOERROR" + soa(1) + std::string(kRest) + soa(1));
  CHECK(primary.axfr("EXAMPLE.org.") == "NOERROR" + soa(1) + std::string(kRest) + soa(1));
  CHECK(primary.messages == 1);
  CHECK(primary.axfr("ns.example.org.") == "NOTAUTH");
  CHECK(primary.axfr("org.") == "NOTAUTH");
  CHECK(primary.axfr("example.org.", dns::Transport::udp) == "FORMERR");
  tests::LogCapture log;
  for (int i = 0; i < 5; ++i) CHECK(primary.axfr("example.org.", dns::Transport::tcp, "192.0.3.1") == "REFUSED");
  CHECK(log.take() == "[WARNING] plugin/transfer: AXFR of example.org. refused to 192.0.3.1\n");
  const std::string metrics = primary.metrics();
  CHECK(metrics.find("swage_transfer_requests_total{result=\"refused\"} 5\n") != std::string::npos);
  CHECK(metrics.find("swage_transfer_requests_total{result=\"axfr\"} 2\n") != std::string::npos);
  CHECK(metrics.find("swage_transfers_completed_total 2\n") != std::string::npos);
}

TEST_CASE("transfer: names keep their spelling (RFC 5936 section 3.4)") {
  Primary primary("to *");
  primary.versions().add(zone_text(1, "WWW 60 A 192.0.2.1\nwww.a 60 CNAME wWw\nMail.A 60 MX 1 maiL.a\n"));
  const std::string all = primary.axfr("Example.Org.");
  CHECK(all.find("; WWW.example.org. 60 IN A 192.0.2.1") != std::string::npos);
  CHECK(all.find("; www.a.example.org. 60 IN CNAME wWw.example.org.") != std::string::npos);
  CHECK(all.find("; Mail.A.example.org. 60 IN MX 1 maiL.a.example.org.") != std::string::npos);
}

TEST_CASE("transfer: many messages of a bounded size, of the version that was in force at the start") {
  Primary primary("to *");
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += fmt::format("host{} 60 A 10.0.{}.{}\n", i, i / 256, i % 256);
  many += fmt::format("large 60 TXT {}\n",
                      fmt::join(std::vector<std::string>(200, '"' + std::string(255, 'x') + '"'), " "));
  primary.versions().add(zone_text(1, many));
  primary.pause_after = 3;
  primary.in_pause = [&] { primary.versions().add(zone_text(2)); };
  primary.versions().zones.reserve(4);  // as a snapshot, what is held stays where it is
  const std::string all = primary.axfr();
  CHECK(primary.records == 20'005);
  CHECK(primary.messages > 30);
  CHECK(primary.largest < 60'000);
  CHECK(all.ends_with(soa(1)));
  primary.in_pause = {};
  CHECK(primary.axfr() == "NOERROR" + soa(2) + std::string(kRest) + soa(2));
}

TEST_CASE("transfer: changes, or the SOA alone, or the whole zone instead") {
  Primary primary("to *");
  primary.versions().add(zone_text(1, "a 60 A 192.0.2.1\n"));
  primary.versions().add(zone_text(2, "b 60 A 192.0.2.1\n"));
  primary.versions().add(zone_text(4, "b 60 A 192.0.2.1\nc 60 TXT x\n"));
  const std::string b = "; b.example.org. 60 IN A 192.0.2.1", c = "; c.example.org. 60 IN TXT \"x\"";
  const std::string second = soa(2) + soa(4) + c;
  const std::string both = soa(4) + soa(1) + "; a.example.org. 60 IN A 192.0.2.1" + soa(2) + b + second + soa(4);
  const std::string whole = "; example.org. 60 IN NS ns.example.org." + b + c + "; ns.example.org. 60 IN A 192.0.2.1";
  CHECK(primary.ask(ixfr(1)) == "NOERROR" + both);
  CHECK(primary.ask(ixfr(1), dns::Transport::udp) == "NOERROR" + soa(4));  // more than 512 bytes
  for (const dns::Transport transport : {dns::Transport::tcp, dns::Transport::udp}) {
    CHECK(primary.ask(ixfr(2), transport) == "NOERROR" + soa(4) + second + soa(4));
    CHECK(primary.ask(ixfr(4), transport) == "NOERROR" + soa(4));
    CHECK(primary.ask(ixfr(5), transport) == "NOERROR" + soa(4));
    CHECK(primary.ask(ixfr(3), transport) == "NOERROR" + soa(4) + whole + soa(4));
    CHECK(primary.ask(tests::encode({.name = "example.org.", .type = "IXFR"}), transport) == "FORMERR");
  }
  std::string many;
  for (int i = 0; i < 100; ++i) many += fmt::format("host{} 60 A 192.0.2.1\n", i);
  primary.versions().add(zone_text(5, many));
  CHECK(primary.ask(ixfr(4), dns::Transport::udp) == "NOERROR" + soa(5));
  CHECK(primary.ask(ixfr(4)).starts_with("NOERROR" + soa(5) + soa(4)));
  CHECK(primary.ask(ixfr(0x8000'0006), dns::Transport::udp) == "NOERROR" + soa(5));  // RFC 1982: newer
}

TEST_CASE("transfer: no changes to a version that is another one than its serial had before") {
  std::string much;
  for (int i = 0; i < 5'000; ++i) much += fmt::format("a-host-with-a-name-of-some-length-{} 60 A 192.0.2.1\n", i);
  Primary primary("to *");
  Versions& versions = primary.versions();
  versions.add(zone_text(1));
  versions.add(zone_text(2, "a 60 A 192.0.2.1\n"));
  versions.add(zone_text(1, much));  // more than a journal holds
  versions.add(zone_text(2, "b 60 A 192.0.2.1\n"));
  CHECK(primary.ask(ixfr(1)).find("; a.example.org. 60") == std::string::npos);
  versions.add(zone_text(3));
  versions.zones.emplace_back(zone_text(3, "c 60 A 192.0.2.1\n"), "example.org");  // as after it has expired
  versions.journal = zone::next_journal(versions.journal, {}, versions.zones.back().bytes());
  CHECK(primary.ask(ixfr(2)).find("; c.example.org. 60") != std::string::npos);
}

TEST_CASE("transfer: what is under way is bounded, for each network and in all") {
  Places places;
  std::vector<Places::Place> taken;
  for (int i = 0; i < 256; ++i) {
    taken.push_back(places.take(*IpAddress::parse(fmt::format("192.0.2.{}", i))));
    CHECK(taken.back());
  }
  CHECK_FALSE(places.take(*IpAddress::parse("192.0.2.1")));
  taken.pop_back();
  CHECK(places.take(*IpAddress::parse("192.0.2.1")));
  while (auto place = places.take(*IpAddress::parse(fmt::format("10.0.{}.1", taken.size() % 256)))) {
    taken.push_back(std::move(place));
  }
  CHECK(places.taken() == Places::kMost);
  CHECK_FALSE(places.take(*IpAddress::parse("2001:db8::1")));
  taken.clear();
  CHECK(places.taken() == 0);
}

TEST_CASE("transfer: a stream that is given up counts as broken, and gives its place back") {
  Primary primary("to *");
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += fmt::format("host{} 60 A 192.0.2.1\n", i);
  primary.versions().add(zone_text(1, many));
  const StreamCounts none;
  Places places;
  Response response;
  {
    ZoneStream stream(*primary.versions().find(*dns::Name::parse("example.org")),
                      Sequence::whole(primary.versions().zones.back().bytes()),
                      places.take(*IpAddress::parse("192.0.2.1")), none);
    CHECK(stream.next(response));
    CHECK(places.taken() == 1);
  }
  CHECK(places.taken() == 0);
}

TEST_CASE("transfer: a notice, and what answers it") {
  const TestZone of(zone_text(7), "example.org");
  const zone::ZoneRecord record = *zone::AllRecords(of.bytes()).next();
  const std::vector<std::uint8_t> notice = encode_notice(0x1234, record);
  const Result<tests::Decoded> decoded = tests::decode(notice);
  REQUIRE(decoded);
  CHECK("; " + decoded->answer.at(0) == soa(7));
  CHECK((notice[2] & 0x78U) == 4U << 3);
  std::vector<std::uint8_t> reply = notice;
  CHECK(judge_reply(reply, notice) == Reply::foreign);  // no response
  reply[2] |= 0x80;
  CHECK(judge_reply(reply, notice) == Reply::acknowledged);
  reply[13] = 'E';
  CHECK(judge_reply(reply, notice) == Reply::acknowledged);
  for (std::size_t size = 0; size < 12 + 13 + 4; ++size) {
    CHECK(judge_reply(Bytes(reply).first(size), notice) == Reply::foreign);
  }
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    std::vector<std::uint8_t> other = reply;
    other[at] = value;
    return judge_reply(other, notice);
  };
  CHECK(changed(0, 0) == Reply::foreign);
  CHECK(changed(2, 0x80) == Reply::foreign);
  CHECK(changed(13, 'f') == Reply::foreign);
  CHECK(changed(26, 2) == Reply::foreign);
  CHECK(changed(3, 5) == Reply::declined);
}

TEST_CASE("transfer: a secondary is told again with pauses, and once for the newest version") {
  const Endpoint one{.address = *IpAddress::parse("192.0.2.1"), .port = 53}, two{.address = one.address, .port = 54};
  const Outbox::Letter a{"a", one}, b{"b", one}, c{"a", two};
  Outbox box;
  CHECK(box.put(b, 2ms));
  CHECK(box.put(a, 1ms));
  CHECK(box.put(c, 3ms));
  CHECK(box.put(a, 1ms));
  CHECK(box.take(9, 0ms).empty());
  CHECK(box.take(2, 9ms) == std::vector{a, b});
  CHECK(box.under_way() == 2);
  CHECK(box.settle(a, true, 10ms));
  CHECK(box.size() == 2);
  Outbox::Time now = 10ms;
  for (const auto pause : {5s, 10s, 20s, 40s, 60s}) {
    CHECK(box.settle(b, false, now));
    static_cast<void>(box.take(9, now));  // c
    CHECK(box.take(9, now + pause - 1ms).empty());
    now += pause;
    CHECK(box.take(9, now) == std::vector{b});
  }
  CHECK_FALSE(box.settle(b, false, now));
  CHECK(box.size() == 1);
  CHECK(box.put(c, now));  // under way: once more afterwards
  CHECK(box.settle(c, true, now));
  CHECK(box.take(9, now) == std::vector{c});
  box.forget("a");
  CHECK(box.settle(c, false, now));
  CHECK(box.size() == 0);
  CHECK(box.put(c, now));
  CHECK(box.take(9, now) == std::vector{c});
  box.forget("a");
  CHECK(box.put(c, now + 1s));  // a zone that goes and comes again, while it is told of
  CHECK(box.settle(c, false, now));
  CHECK(box.take(9, now).empty());
  CHECK(box.take(9, now + 1s) == std::vector{c});
  CHECK(box.settle(c, true, now));
  CHECK(box.size() == 0);
  for (std::size_t i = 0; i < Outbox::kMost; ++i) CHECK(box.put({std::to_string(i), one}, now));
  CHECK_FALSE(box.put(a, now));
}
