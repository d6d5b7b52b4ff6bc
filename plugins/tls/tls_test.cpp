#include "plugins/tls/tls.h"

#include <array>

#include <fmt/format.h>

#include "core/async/tls.h"
#include "core/plugin/tls_memory.h"
#include "plugins/tls/ticket_keys.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::tls {
namespace {

using tests::PluginHarness;

Result<> setup_acme_txt(Controller& controller) {
  controller.once();
  return {};
}

constexpr std::array kPlugins = {PluginType{"acme-txt", &setup_acme_txt}, PluginType{"tls", &setup, true}};

std::string setup_error(std::string_view lines, std::string_view keys = "tls://example.org") {
  return PluginHarness::setup_error(kPlugins, fmt::format("{} {{\nacme-txt\n{}\n}}\n", keys, lines));
}

}  // namespace

TEST_CASE("tls: setup") {
  CHECK(setup_error("tls cert.pem key.pem").empty());
  CHECK(setup_error("tls cert.pem key.pem", "https://example.org example.org tls://example.org:8853").empty());
  CHECK(setup_error("tls cert.pem key.pem ca.pem {\nclient_auth require_and_verify\n}").empty());
  CHECK(setup_error("tls cert.pem key.pem {\nclient_auth require\n}").empty());
  CHECK(setup_error("tls auto ns.example.org").empty());
  CHECK(setup_error("tls auto ns.example.org. Dns.example.org {\nca ca.pem\nclient_auth verify_if_given\nacme {\n"
                    "state /var/lib/swage\n}\n}")
            .empty());
  CHECK(setup_error("tls") == "Corefile:3: tls: expected CERT KEY, or 'auto' and a name after 'tls'");
  CHECK(setup_error("tls cert.pem") ==
        "Corefile:3: tls: expected KEY, the file with the key of the certificate after 'cert.pem'");
  CHECK(setup_error("tls a b c d") == "Corefile:3: tls: unexpected 'd'; expected the end of the line");
  CHECK(setup_error("tls auto") == "Corefile:3: tls: expected a name after 'auto'");
  CHECK(setup_error("tls auto ns.example.com") ==
        "Corefile:3: tls: ns.example.com is in no zone of this server block, so the CA's challenge for it cannot be "
        "answered here");
  CHECK(setup_error("tls a b {\nclient_auth verify_if_given\n}") ==
        "Corefile:4: tls: client_auth: to verify clients it needs CA, after CERT and KEY");
  CHECK(setup_error("tls a b {\nclient_auth yes\n}") ==
        "Corefile:4: tls: client_auth: expected 'nocert', 'request', 'require', 'verify_if_given' or "
        "'require_and_verify', not 'yes'");
  CHECK(setup_error("tls a b {\nacme {\n}\n}") == "Corefile:4: tls: acme: is for 'auto'");
  CHECK(setup_error("tls a b\ntls a b") == "Corefile:4: tls: stands twice in a server block");
}

TEST_CASE("tls: what a server block's keys need") {
  CHECK(setup_error("") == "Corefile:1: tls:// needs a certificate: expected 'tls CERT KEY' in this server block");
  CHECK(setup_error("", "https://example.org") ==
        "Corefile:1: https:// needs a certificate: expected 'tls CERT KEY' in this server block");
  CHECK(setup_error("tls a b", "tls://example.org:853 example.org:853") ==
        "Corefile:1: 0.0.0.0:853 is that of tls:// already, by Corefile:1");
  CHECK(
      PluginHarness::setup_error(kPlugins, "tls://example.org {\ntls a b\n}\ntls://example.net {\ntls c d\n}\n") ==
      "Corefile:4: tls: the server block of Corefile:1, on 0.0.0.0:853, says something else: there is one certificate "
      "on a port");
  CHECK(PluginHarness::setup_error(kPlugins, "tls://example.org {\ntls a b\n}\ntls://example.net {\ntls a b\n}\n")
            .empty());
}

TEST_CASE("tls: keys of tickets are made anew each hour, and two before them still open tickets") {
  shm::Snapshot snapshot("tickets");
  TicketKeys keys(snapshot);
  const auto first_key = [&] {
    const Bytes all = tls_memory::ticket_keys(snapshot.bytes());
    return std::string(as_text(all.first(async::kTicketKey)));
  };
  const auto count = [&] { return tls_memory::ticket_keys(snapshot.bytes()).size() / async::kTicketKey; };
  REQUIRE(keys.roll(10'000));
  const std::string first = first_key();
  REQUIRE(keys.roll(10'000 + TicketKeys::kRoll - 1));
  CHECK(first_key() == first);
  REQUIRE(keys.roll(10'000 + TicketKeys::kRoll));
  CHECK(first_key() != first);
  CHECK(count() == 2);
  CHECK(as_text(tls_memory::ticket_keys(snapshot.bytes()).last(async::kTicketKey)) == first);
  REQUIRE(keys.roll(10'000 + 2 * TicketKeys::kRoll));
  REQUIRE(keys.roll(10'000 + 3 * TicketKeys::kRoll));
  CHECK(count() == TicketKeys::kKeys);
  CHECK(as_text(tls_memory::ticket_keys(snapshot.bytes()).last(async::kTicketKey)) != first);
  REQUIRE(keys.roll(9'000));  // a clock that went back
  CHECK(first_key() != first);
}

TEST_CASE("tls: an identity is read as it was written, and nothing else is one") {
  const auto memory = tls_memory::write_identity("chain", "key", "");
  REQUIRE(memory);
  const tls_memory::Identity identity = tls_memory::read_identity(memory->bytes());
  CHECK(identity.chain == "chain");
  CHECK(identity.key == "key");
  CHECK(identity.authorities.empty());
  CHECK(tls_memory::read_identity({}).chain.empty());
  CHECK(tls_memory::read_identity(memory->bytes().first(memory->bytes().size() - 1)).version.empty());
}

}  // namespace swage::plugins::tls
