// How much larger an answer is than its question, for each kind of answer: docs/amplification.md has the table, and is
// right. Floods with forged addresses, and who is answered beside them. In this process: from packet to packet.
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>

#include "core/dns/encode.h"
#include "core/server/configuration.h"
#include "core/server/responder.h"
#include "plugins/plugins.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;

namespace {

constexpr std::string_view kCorefile = R"(libp2p.direct {
    any
    ipsubdomain
    file zones/libp2p.direct
}
example.org {
    file zones/example.org
    nsid "a name of 32 bytes, more is long"
    chaos a-version-of-32-bytes-is-long-too
}
example {
    file tests/support/zones/rfc5155.zone
}
required.test {
    cookie {
        require
    }
    whoami
}
bind {
    chaos a-version-of-32-bytes-is-long-too
}
)";

constexpr std::int64_t kSecond = 1'000'000'000, kNow = 1000 * kSecond;
constexpr const char* kPeer = "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk";

// Some dns processes of one server, with each other's counts.
class Workers {
 public:
  explicit Workers(std::size_t count) {
    std::vector<Descriptor> pieces;
    for (std::size_t i = 0; i < count; ++i) {
      config::Sources sources;
      sources.add("Corefile", std::string(kCorefile));
      auto configuration = server::configure(sources, "Corefile", plugins::all(), 53);
      REQUIRE(configuration);
      all_.push_back(std::make_unique<Worker>(*std::move(configuration)));
      server::Configuration& own = all_.back()->configuration;
      if (i == 0) {
        for (const server::NamedService& each : own.services) REQUIRE(each.service->prepare());
      } else {
        for (auto& [name, snapshot] : own.snapshots) {
          const auto& first = *all_[0]->configuration.snapshots.at(name);
          if (first.bytes().empty()) continue;
          shm::Segment copy = *shm::Segment::create(name, first.bytes().size());
          std::ranges::copy(first.bytes(), copy.writable_bytes().begin());
          REQUIRE(snapshot->publish(std::move(copy)));
        }
      }
      shm::Segment piece = *shm::Segment::create("large answers", memory(i).size());
      pieces.push_back(*piece.descriptor().duplicate());
      memory(i).begin(static_cast<std::uint32_t>(i), std::move(piece));
    }
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t other = 0; other < count; ++other) {
        if (i == other) continue;
        memory(i).replace(static_cast<std::uint32_t>(other), *shm::Mapping::attach(*pieces[other].duplicate()));
      }
      all_[i]->responder.protect(all_[i]->configuration);
    }
  }

  Packet ask(const Packet& question, const IpAddress& client, std::int64_t now = kNow, std::size_t worker = 0,
             dns::Transport transport = dns::Transport::udp) {
    Worker& by = *all_[worker];
    const server::Arrival arrival{transport, {client, 50000}, {*IpAddress::parse("192.0.2.53"), 53}, now};
    const std::size_t size = by.responder.respond(by.configuration.listeners.begin()->second, question, arrival, out_);
    return {out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(size)};
  }

 private:
  struct Worker {
    explicit Worker(server::Configuration of) : configuration(std::move(of)) {}
    server::Configuration configuration;
    server::Responder responder;
  };
  shm::WorkerMemory& memory(std::size_t worker) {
    return *all_[worker]->configuration.worker_memories.at(server::AmplificationLimit::kName);
  }

  std::vector<std::unique_ptr<Worker>> all_;
  std::vector<std::uint8_t> out_ = std::vector<std::uint8_t>(65'535);
};

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

Packet question(const std::string& name, const std::string& type, std::optional<Opt> opt = {},
                const std::string& rclass = "IN") {
  return encode(Question{.name = name, .type = type, .rclass = rclass, .opt = std::move(opt)});
}
Opt dnssec() { return {.flags = kDnssecOk}; }
Opt with(std::uint16_t code, std::string data) { return {.options = {{code, std::move(data)}}}; }

// The largest signed denial there is here.
Packet signed_denial() { return question("a.c.x.w.example.", "A", dnssec()); }

struct Kind {
  const char* name;
  Packet question;
};

std::vector<Kind> kinds() {
  Packet cut = question("www.example.org.", "A");
  cut.resize(cut.size() - 2);
  Packet status = question("www.example.org.", "A");
  status[2] |= 2 << 3;
  return {
      {"an address", question("www.example.org.", "A")},
      {"an address, EDNS", question("www.example.org.", "A", Opt{})},
      {"an address out of a peer's name", question(fmt::format("192-0-2-1.{}.libp2p.direct.", kPeer), "A")},
      {"MX and addresses", question("example.org.", "MX")},
      {"NODATA", question("www.example.org.", "MX")},
      {"NXDOMAIN", question("no.example.org.", "A")},
      {"referral", question("a.sub.example.org.", "A")},
      {"ANY", question("example.org.", "ANY")},
      {"ANY, with *any*", question("libp2p.direct.", "ANY")},
      {"NODATA, no peer's name", question(fmt::format("{}.libp2p.direct.", kPeer), "A")},
      {"signed: MX", question("example.", "MX", dnssec())},
      {"signed: SOA", question("example.", "SOA", dnssec())},
      {"signed: DNSKEY", question("example.", "DNSKEY", dnssec())},
      {"signed: NODATA, NSEC3", question("ns1.example.", "MX", dnssec())},
      {"signed: NXDOMAIN, NSEC3", signed_denial()},
      {"signed: wildcard, NSEC3", question("a.z.w.example.", "MX", dnssec())},
      {"signed: referral without DS, NSEC3", question("mc.c.example.", "MX", dnssec())},
      {"signed: ANY", question("example.", "ANY", dnssec())},
      {"signed: ANY, 512 bytes offered: TC", question("example.", "ANY", Opt{.udp_size = 512, .flags = kDnssecOk})},
      {"signed: NXDOMAIN, with a client's cookie",
       question("a.c.x.w.example.", "A", Opt{.flags = kDnssecOk, .options = {{10, "12345678"}}})},
      {"*nsid*", question("www.example.org.", "A", with(3, ""))},
      {"*chaos*", question("version.bind.", "TXT", {}, "CH")},
      {"a cookie", question("www.example.org.", "A", with(10, "12345678"))},
      {"BADCOOKIE", question("a.required.test.", "A", with(10, "12345678"))},
      {"REFUSED", question("www.elsewhere.test.", "A")},
      {"REFUSED, EDNS: with a reason", question("www.elsewhere.test.", "A", Opt{})},
      {"REFUSED: AXFR", question("example.org.", "AXFR")},
      {"FORMERR", cut},
      {"NOTIMP", status},
      {"BADVERS", question("www.example.org.", "A", Opt{.version = 1})},
  };
}

std::string factor(std::size_t answer, std::size_t question) {
  return fmt::format("{:.1f}", static_cast<double>(answer) / static_cast<double>(question));
}

std::string measured() {
  Workers workers(1);
  const IpAddress client = address("192.0.2.7");
  std::vector<std::size_t> before;
  for (const Kind& each : kinds()) before.push_back(workers.ask(each.question, client).size());
  for (int i = 0; i < 600; ++i) static_cast<void>(workers.ask(signed_denial(), client));
  std::string table = "| answer | question | answer | times | beyond the limit | times |\n|---|---|---|---|---|---|\n";
  std::size_t at = 0;
  for (const Kind& each : kinds()) {
    const std::size_t asked = each.question.size(), first = before[at++];
    const std::size_t limited = workers.ask(each.question, client).size();
    table += fmt::format("| {} | {} | {} | {} | {} | {} |\n", each.name, asked, first, factor(first, asked), limited,
                         factor(limited, asked));
    INFO(each.name);
    CHECK(first > 0);
    CHECK(limited <= 3 * asked);
    CHECK(limited <= first);
  }
  return table;
}

}  // namespace

TEST_CASE("amplification: the table in docs/amplification.md is what is measured") {
  std::ifstream file("docs/amplification.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string table = measured();
  INFO("the table as it is:\n" << table);
  CHECK(page.str().find(table) != std::string::npos);
}

TEST_CASE(
    "amplification: a flood in others' names gets no more than three times what it costs; who is there is answered") {
  Workers workers(2);
  std::mt19937 random(1);
  const Packet attack = signed_denial();
  const IpAddress honest = address("198.51.100.53");
  const std::size_t whole = workers.ask(attack, address("203.0.113.1")).size();
  REQUIRE(whole > 9 * attack.size());
  // One of two processes that has counted less than half of the limit does not look at the other's counts.
  constexpr std::size_t kMost = kLargeAnswers + kLargeAnswers / 2;
  for (int second = 1; second <= 3; ++second) {
    const std::int64_t now = kNow + second * kSecond;
    std::size_t in = 0, out = 0, larger = 0;
    for (int i = 0; i < 10'000; ++i) {
      const std::string forged = fmt::format("198.51.100.{}", random() % 256);
      const std::size_t sent = workers.ask(attack, address(forged), now, random() % 2).size();
      in += attack.size();
      out += sent;
      larger += sent > 3 * attack.size() ? 1 : 0;
    }
    INFO(in << " bytes in, " << out << " out");
    CHECK(out <= 3 * in);
    CHECK(larger <= kMost);
    CHECK(larger >= kLargeAnswers - 2);
    // A resolver of the same network, without a cookie: TC, and all of it over TCP.
    const Packet told = workers.ask(attack, honest, now);
    REQUIRE(told.size() > 12);
    CHECK((told[2] & 2) != 0);
    CHECK(workers.ask(attack, honest, now, 0, dns::Transport::tcp).size() == whole);
    // What is small is answered as ever.
    CHECK(workers.ask(question("www.example.org.", "A"), honest, now).size() == 49);
    // With a cookie: TC, with the server's; from then on all of it.
    const auto ask_with = [&](std::string option) {
      return workers.ask(
          question("a.c.x.w.example.", "A", Opt{.flags = kDnssecOk, .options = {{10, std::move(option)}}}), honest, now,
          1);
    };
    const Packet learnt = ask_with("abcdefgh");
    const Decoded decoded = *decode(learnt);
    CHECK(decoded.has(kTc));
    REQUIRE(decoded.opt);
    REQUIRE(decoded.opt->option(10) != nullptr);
    CHECK(ask_with(decoded.opt->option(10)->data).size() == whole + 28);
    // Networks beside it are not concerned.
    CHECK(workers.ask(attack, address("198.51.101.1"), now).size() == whole);
  }
  // The same over IPv6: /56.
  std::size_t large = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto forged = address(fmt::format("2001:db8:0:12{:02x}::{:x}", random() % 256, random() % 65536));
    large += workers.ask(attack, forged, kNow, random() % 2).size() == whole ? 1 : 0;
  }
  CHECK(large <= kMost);
  CHECK(workers.ask(attack, address("2001:db8:0:1300::1")).size() == whole);
  // This machine itself is never limited.
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(workers.ask(attack, address("127.0.0.1")).size() == whole);
    REQUIRE(workers.ask(attack, address("::1")).size() == whole);
  }
}
