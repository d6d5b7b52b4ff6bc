#include <array>

#include <fmt/format.h>

#include "plugins/broker/broker.h"
#include "tests/support/log_capture.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>

using namespace swage;
using tests::PluginHarness;

namespace {

// Stands for acme-txt, which a plugin's test may not include.
Result<> setup_acme_txt(Controller& controller) {
  const std::string zone = controller.zones().front().to_string();
  controller.shared(forge::ChallengeStore::name(zone)).set_place("");
  return {};
}

constexpr std::array kPlugins = {PluginType{"acme-txt", &setup_acme_txt},
                                 PluginType{"broker", &plugins::broker::setup}};

std::string setup_error(std::string_view block) {
  return PluginHarness::setup_error(kPlugins, fmt::format("libp2p.direct {{\nacme-txt\n{}}}\n", block));
}

std::string with(std::string_view lines) {
  return setup_error(fmt::format("broker registration.libp2p.direct {{\ntls off\n{}\n}}\n", lines));
}

std::string in_acme(std::string_view line) {
  return setup_error(fmt::format("broker registration.libp2p.direct {{\nacme {{\n{}\n}}\n}}\n", line));
}

std::string in_dial(std::string_view line) { return with(fmt::format("dial {{\n{}\n}}", line)); }

}  // namespace

TEST_CASE("broker: setup accepts") {
  for (const char* const lines : {
           "",
           "listen :443",
           "listen 127.0.0.1:80 [::1]:80\nlisten :8443",
           "tls cert.pem /etc/key.pem",
           "tls auto",
           "tls auto\nacme {\ndirectory https://localhost:14000/dir\nemail a@b.example\nca-file ca.pem\neab id key\n"
           "profile shortlived\nstate /var/lib/swage/certs\n}",
           "secret FILE",
           "access-token FILE",
           "trusted-proxy 10.0.0.0/8 ::1\ntrusted-proxy 192.0.2.1",
           "limit peer 10/1h\nlimit client off",
           "cors *",
           "cors https://example.org http://localhost:8080\ncors http://[::1]:8080 chrome-extension://abc",
           "limit peer 1000000/1s",
           "limit client 1/8784h",
           "dial",
           "dial {\ntimeout 60s\nconcurrency 1\naddresses 256\nallow 127.0.0.0/8 ::1\nallow 10.0.0.0/8\ndeny "
           "8.8.8.8\n}\nlimit peer off",
           "dial {\nallow-port 22 25\nallow-port 65535\nlimit network 1/1s\nlimit foreign off\n}",
       }) {
    INFO(lines);
    CHECK(with(lines).empty());
  }
  CHECK(setup_error("broker Registration.libp2p.direct. {\ntls a b\n}\n").empty());
  CHECK(setup_error("broker registration.libp2p.direct\n").empty());  // tls auto
}

TEST_CASE("broker: setup rejects, and says where and why") {
  const std::pair<std::string, std::string> cases[] = {
      {setup_error("broker\n"), "Corefile:3: broker: expected a domain after 'broker'"},
      {setup_error("broker a.example\n"),
       "Corefile:3: broker: a.example is in no zone of this server block, so the CA's challenge for it cannot be "
       "answered here; 'tls CERT KEY' names a certificate, 'tls off' is for a broker behind a proxy"},
      {with("acme"), "Corefile:5: broker: acme: is for 'tls auto'"},
      {in_acme("directory http://ca.example/"),
       "Corefile:5: broker: directory: 'http://ca.example/' is not the URL of a directory; expected one such as "
       "https://ca.example/directory"},
      {in_acme("directory"), "Corefile:5: broker: expected the URL of a CA's directory after 'directory'"},
      {in_acme("email me"), "Corefile:5: broker: email: 'me' is not an e-mail address"},
      {in_acme("eab"), "Corefile:5: broker: expected the identifier of an account at the CA after 'eab'"},
      {in_acme("eab id"), "Corefile:5: broker: eab: expected the file of its key after 'id'"},
      {in_acme("profile a b"), "Corefile:5: broker: profile: unexpected 'b'; expected the end of the line"},
      {in_acme("nonsense"),
       "Corefile:5: broker: unknown property 'nonsense'; expected directory, email, ca-file, eab, profile, state"},
      {setup_error("broker a.example b\n"), "Corefile:3: broker: unexpected 'b'; expected the end of the line"},
      {setup_error("broker a.example:443\n"),
       "Corefile:3: broker: 'a.example:443' is not a valid domain; expected one without port"},
      {setup_error("broker .\n"), "Corefile:3: broker: '.' is not a valid domain; expected one without port"},
      {setup_error("broker a..b\n"), "Corefile:3: broker: 'a..b' is not a valid domain; expected one without port"},
      {setup_error("broker https://a\n"),
       "Corefile:3: broker: 'https://a' is not a valid domain; expected one without port"},
      {setup_error("broker a {\ntls off\nlisten :81\n}\nbroker b {\ntls off\n}\n"),
       "Corefile:7: broker: stands twice in a server block"},
      {with("nonsense"),
       "Corefile:5: broker: unknown property 'nonsense'; expected listen, tls, acme, secret, "
       "access-token, trusted-proxy, cors, limit, dial"},
      {with("listen"), "Corefile:5: broker: expected [ADDRESS]:PORT after 'listen'"},
      {with("listen 443"), "Corefile:5: broker: listen: '443' is not [ADDRESS]:PORT"},
      {with("listen ::1:443"), "Corefile:5: broker: listen: '::1:443' is not [ADDRESS]:PORT"},
      {with("listen [127.0.0.1]:443"), "Corefile:5: broker: listen: '[127.0.0.1]:443' is not [ADDRESS]:PORT"},
      {with("listen localhost:443"),
       "Corefile:5: broker: listen: 'localhost:443' is not [ADDRESS]:PORT: names of hosts are not looked up; write an "
       "address, or :443 for all addresses"},
      {with("listen :0"), "Corefile:5: broker: listen: '0' is not a number from 1 to 65535"},
      {with("listen :53"), "Corefile:5: broker: 0.0.0.0:53: DNS is served on 0.0.0.0:53 already, by Corefile:1"},
      {with("listen :80 0.0.0.0:80"), "Corefile:5: broker: listen: 0.0.0.0:80 is already that of Corefile:5"},
      {with("tls"), "Corefile:5: broker: expected CERT KEY, 'auto' or 'off' after 'tls'"},
      {with("tls cert"), "Corefile:5: broker: tls: expected the file of the key after 'cert'"},
      {with("tls off x"), "Corefile:5: broker: tls: unexpected 'x'; expected the end of the line"},
      {with("secret"), "Corefile:5: broker: expected a file after 'secret'"},
      {with("access-token a b"), "Corefile:5: broker: access-token: unexpected 'b'; expected the end of the line"},
      {with("trusted-proxy x"), "Corefile:5: broker: trusted-proxy: "},
      {with("trusted-proxy"), "Corefile:5: broker: expected an address or a network after 'trusted-proxy'"},
      {with("cors"), "Corefile:5: broker: expected an origin, or '*' after 'cors'"},
      {with("cors https://a b"),
       "Corefile:5: broker: cors: 'b' is not a valid origin; expected one such as https://example.org, or '*'"},
      {with("cors https://example.org/"), "Corefile:5: broker: cors: 'https://example.org/' is not a valid origin"},
      {with("cors https://Example.org"), "Corefile:5: broker: cors: 'https://Example.org' is not a valid origin"},
      {with("cors https://"), "Corefile:5: broker: cors: 'https://' is not a valid origin"},
      {with("cors https://*"), "Corefile:5: broker: cors: 'https://*' is not a valid origin"},
      {with("limit"), "Corefile:5: broker: expected 'peer' or 'client' after 'limit'"},
      {with("limit me 1/1h"), "Corefile:5: broker: limit: expected 'peer' or 'client', not 'me'"},
      {with("limit peer 10"),
       "Corefile:5: broker: limit: '10' is not a valid limit; expected COUNT/DURATION, such as 10/1h"},
      {with("limit peer 0/1h"), "Corefile:5: broker: limit: '0' is not a number from 1 to 1000000"},
      {with("limit peer 10/h"), "Corefile:5: broker: limit: 'h' is not a duration"},
      {with("limit peer 10/999ms"), "Corefile:5: broker: limit: '999ms' is not between 1s and 8784h"},
      {in_dial("timeout 0s"), "Corefile:6: broker: timeout: '0s' is not between 1s and 1m"},
      {in_dial("timeout x"), "Corefile:6: broker: timeout: 'x' is not a duration"},
      {in_dial("concurrency 65"), "Corefile:6: broker: concurrency: '65' is not a number from 1 to 64"},
      {in_dial("addresses 0"), "Corefile:6: broker: addresses: '0' is not a number from 1 to 256"},
      {in_dial("allow 10.0.0.0/33"), "Corefile:6: broker: allow: "},
      {in_dial("deny"), "Corefile:6: broker: expected an address or a network after 'deny'"},
      {in_dial("allow-port"), "Corefile:6: broker: expected a number from 1 to 65535 after 'allow-port'"},
      {in_dial("allow-port 0"), "Corefile:6: broker: allow-port: '0' is not a number from 1 to 65535"},
      {in_dial("limit"), "Corefile:6: broker: expected 'network' or 'foreign' after 'limit'"},
      {in_dial("limit peer 1/1h"), "Corefile:6: broker: limit: expected 'network' or 'foreign', not 'peer'"},
      {in_dial("limit foreign 1"),
       "Corefile:6: broker: limit: '1' is not a valid limit; expected COUNT/DURATION, such as 10/1h"},
      {in_dial("tls off"), "Corefile:6: broker: unknown property 'tls'"},
      {with("dial x"), "Corefile:5: broker: dial: unexpected 'x'; expected the end of the line"},
  };
  for (const auto& [error, expected] : cases) CHECK_THAT(error, Catch::StartsWith(expected));
}

TEST_CASE("broker: setup asks for acme-txt in the same server block") {
  const std::string broker = "broker registration.libp2p.direct {\ntls off\nlisten 127.0.0.1:80\n}\n";
  CHECK(PluginHarness::setup_error(kPlugins, "other.example {\nacme-txt\n}\nlibp2p.direct {\n" + broker + "}\n") ==
        "Corefile:5: broker: registrations go to 'acme-txt', which is not in this server block");
}

TEST_CASE("broker: files that cannot be used stop the start, and the error names the line") {
  const auto prepare = [](std::string_view line) {
    const PluginHarness harness(
        kPlugins, fmt::format("libp2p.direct {{\nacme-txt\nbroker registration.libp2p.direct {{\n{}\n}}\n}}\n", line));
    return harness.prepare();
  };
  CHECK(prepare("tls off").empty());
  CHECK(prepare("tls off\nsecret /nowhere/secret") == "Corefile:3: /nowhere/secret: No such file or directory");
  CHECK(prepare("tls off\naccess-token /nowhere/token") == "Corefile:3: /nowhere/token: No such file or directory");
  CHECK(prepare("tls /nowhere/cert /nowhere/key") == "Corefile:3: /nowhere/cert: No such file or directory");
  CHECK_THAT(prepare("tls README.md README.md"), Catch::StartsWith("Corefile:3: README.md with README.md: "));
}
