// A resolver, BIND, in front of swage: it hands on all data of rdata.yaml that swage serves. What it cannot read it
// answers with SERVFAIL, and so takes a name off the network. And BIND beside swage, with the same zone of services.
#include <algorithm>

#include <fmt/format.h>

#include "core/dns/types.h"
#include "tests/support/bulk.h"
#include "tests/support/dns_message.h"
#include "tests/support/peers.h"
#include "tests/support/rdata_forms.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

// NS is a delegation where it stands, NSEC3 a name that no question is for, and a zone has one SOA.
// An IPSECKEY without a key is right (RFC 4025 section 2.4) and BIND 9.18 cannot read it, of which swage warns.
bool is_asked_for(const RdataForm& form) {
  if (form.kind == RdataForm::doubtful && form.type == "IPSECKEY") return false;
  return form.kind != RdataForm::wrong && form.type != "NS" && form.type != "NSEC3" && form.type != "SOA";
}

TEST_CASE("rdata: BIND has no SERVFAIL for anything that swage serves") {
  if (!have_peer("named")) return;
  const Folder folder;
  std::string zone = "$TTL 60\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n";
  std::vector<Packet> queries;
  std::vector<std::string> records;
  for (const RdataForm& form : rdata_forms()) {
    if (!is_asked_for(form)) continue;
    const std::string owner = fmt::format("r{}", records.size());
    const std::string type = fmt::format("TYPE{}", static_cast<std::uint16_t>(*dns::parse_type(form.type)));
    records.push_back(form.record(owner));
    zone += records.back() + "\n";
    queries.push_back(encode({.name = owner + ".rdata.test.",
                              .type = type,
                              .id = static_cast<std::uint16_t>((records.size() - 1) % 256),
                              .flags = kRd | kCd,
                              .opt = Opt{}}));
  }
  REQUIRE(records.size() > 150);
  const Server server(fmt::format("rdata.test {{\n    bind 127.0.0.1\n    file {}\n}}\n", folder.write("zone", zone)));
  const auto bind = Peer::bind(folder, server.endpoint(), "rdata.test.");
  if (!bind) FAIL(bind.error().text());
  const UdpClient direct(server.endpoint());
  const UdpClient resolver(bind->endpoint());
  for (std::size_t at = 0; at < queries.size(); at += 256) {
    const std::span<const Packet> batch(&queries[at], std::min<std::size_t>(256, queries.size() - at));
    const auto said = ask_all_udp(direct, batch);
    const auto handed_on = ask_all_udp(resolver, batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      INFO(records[at + i]);
      REQUIRE(said[i]);
      REQUIRE(handed_on[i]);
      // The counts of questions and answers, and the code.
      CHECK(((*said[i])[3] & 0xF) == 0);
      CHECK(((*handed_on[i])[3] & 0xF) == 0);
      CHECK(load_u16(&(*said[i])[6]) == 1);
      CHECK(load_u16(&(*handed_on[i])[6]) == 1);
    }
  }
}

TEST_CASE("rdata: with a service comes what BIND sends with it (RFC 9460 section 4.1)") {
  if (!have_peer("named")) return;
  const Folder folder;
  const std::string zone = folder.write("zone", R"($TTL 60
@ SOA ns hostmaster 1 7200 3600 1209600 300
@ NS ns
ns A 192.0.2.1
a HTTPS 0 b
b HTTPS 0 c
c HTTPS 1 . alpn=h2
c HTTPS 2 d port=8443
c A 192.0.2.2
d AAAA 2001:db8::1
e HTTPS 1 f
f CNAME g
g CNAME c
x HTTPS 0 svc.example.net.
_foo SVCB 1 d
)");
  const Server server(fmt::format("services.test {{\n    bind 127.0.0.1\n    file {}\n}}\n", zone));
  const auto bind = Peer::bind(folder, {{.name = "services.test.", .file = zone}});
  if (!bind) FAIL(bind.error().text());
  const auto said = [](const Endpoint& by, const std::string& name, const std::string& type) {
    const auto answer = ask_udp(by, encode({.name = name + ".services.test.", .type = type, .opt = Opt{}}));
    REQUIRE(answer);
    Decoded decoded = *decode(*answer);
    CHECK(decoded.rcode == 0);
    std::vector<std::string> records = decoded.answer;
    records.insert(records.end(), decoded.additional.begin(), decoded.additional.end());
    std::ranges::sort(records);
    return records;
  };
  for (const std::string name : {"a", "b", "c", "d", "x"}) {
    CHECK(said(server.endpoint(), name, "HTTPS") == said(bind->endpoint(), name, "HTTPS"));
  }
  CHECK(said(server.endpoint(), "_foo", "SVCB") == said(bind->endpoint(), "_foo", "SVCB"));
  // After a CNAME record BIND sends addresses alone.
  const std::vector<std::string> ours = said(server.endpoint(), "e", "HTTPS");
  const std::vector<std::string> theirs = said(bind->endpoint(), "e", "HTTPS");
  CHECK(theirs.size() == 4);
  CHECK(std::ranges::includes(ours, theirs));
}

}  // namespace
}  // namespace swage::tests
