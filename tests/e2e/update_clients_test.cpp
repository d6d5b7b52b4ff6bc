// Dynamic updates (RFC 2136) by the programs that send them: ACME clients, external-dns, a DHCP server's.
#include <filesystem>

#include <fmt/format.h>

#include "tests/e2e/update_bench.h"
#include "tests/support/pebble.h"
#include "tests/support/peers.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

TEST_CASE("update: lego and certbot get certificates by DNS-01 challenges of theirs") {
  for (const char* const program : {"pebble", "lego", "certbot"}) {
    if (!have_peer(program)) return;
  }
  const UpdateBench bench;
  Server server(bench.corefile(), bench.options);
  const Pebble pebble(server.endpoint());
  const std::string& folder = pebble.folder().path();
  const auto lego =
      run({.arguments = {"lego", "--accept-tos", "--email", "a@example.org", "--server", pebble.directory(), "--path",
                         folder, "--dns", "rfc2136", "--dns.resolvers", server.endpoint().to_string(),
                         "--dns.disable-cp", "--domains", "www.example.org", "run"},
           .environment = {{"LEGO_CA_CERTIFICATES", pebble.certificate()},
                           {"RFC2136_NAMESERVER", server.endpoint().to_string()},
                           {"RFC2136_TSIG_KEY", "acme"},
                           {"RFC2136_TSIG_ALGORITHM", "hmac-sha256."},
                           {"RFC2136_TSIG_SECRET", std::string(kSecret)},
                           {"RFC2136_POLLING_INTERVAL", "1"}}},
          60s);
  if (!lego) FAIL(lego.error().text());
  CHECK(std::filesystem::exists(folder + "/certificates/www.example.org.crt"));
  CHECK(server.log().find("an update by acme. from 127.0.0.1: 1 added, 0 removed, serial 11") != std::string::npos);
  CHECK(answers(server, "_acme-challenge.www.example.org.", "TXT").starts_with("NXDOMAIN"));  // it cleans up

  const std::string credentials = pebble.folder().write(
      "rfc2136.ini", fmt::format("dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_port = {}\ndns_rfc2136_name = "
                                 "acme.\ndns_rfc2136_secret = {}\ndns_rfc2136_algorithm = HMAC-SHA256\n",
                                 server.port(), kSecret));
  std::filesystem::permissions(credentials, std::filesystem::perms(0600));
  const auto certbot = run({.arguments = {"certbot",
                                          "certonly",
                                          "-n",
                                          "--agree-tos",
                                          "-m",
                                          "a@example.org",
                                          "--server",
                                          pebble.directory(),
                                          "--config-dir",
                                          folder + "/c",
                                          "--work-dir",
                                          folder + "/w",
                                          "--logs-dir",
                                          folder + "/l",
                                          "--dns-rfc2136",
                                          "--dns-rfc2136-credentials",
                                          credentials,
                                          "--dns-rfc2136-propagation-seconds",
                                          "1",
                                          "-d",
                                          "www.example.org"},
                            .environment = {{"REQUESTS_CA_BUNDLE", pebble.certificate()}}},
                           60s);
  if (!certbot) FAIL(certbot.error().text());
  CHECK(std::filesystem::exists(folder + "/c/live/www.example.org/fullchain.pem"));
  CHECK(answers(server, "_acme-challenge.www.example.org.", "TXT").starts_with("NXDOMAIN"));
}

namespace {

// Kea's DHCP-DDNS: told of leases by its DHCP servers, over UDP, it updates the names and addresses of the clients.
class Kea {
 public:
  explicit Kea(const Endpoint& nameserver) {
    const auto domain = [&](std::string_view name) {
      return fmt::format(
          R"({{"ddns-domains": [{{"name": "{}", "key-name": "all", "dns-servers": [{{"ip-address": "127.0.0.1", "port": {}}}]}}]}})",
          name, nameserver.port);
    };
    const std::string configuration = fmt::format(
        R"({{"DhcpDdns": {{"ip-address": "127.0.0.1", "port": {}, "dns-server-timeout": 10000, "ncr-protocol": "UDP",
"ncr-format": "JSON", "tsig-keys": [{{"name": "all", "algorithm": "HMAC-SHA256", "secret": "{}"}}],
"forward-ddns": {}, "reverse-ddns": {}, "loggers": [{{"name": "kea-dhcp-ddns", "severity": "INFO",
"output_options": [{{"output": "stdout"}}]}}]}}}})",
        port_.number(), kSecret, domain("example.org."), domain("2.0.192.in-addr.arpa."));
    auto started = Process::start({.arguments = {"kea-dhcp-ddns", "-c", folder_.write("kea.conf", configuration)},
                                   .environment = {{"KEA_PIDFILE_DIR", folder_.path()},
                                                   {"KEA_LOCKFILE_DIR", folder_.path()},
                                                   {"KEA_LOGGER_DESTINATION", "stdout"}}});
    REQUIRE(started);
    process_ = *std::move(started);
    INFO(process_.log());
    REQUIRE(process_.wait_for("DHCP_DDNS_STARTED", 20s));
  }

  // A lease of `address` to the client with this DHCID (hexadecimal), or its end. Returns when Kea has done what there
  // is to do: true where it says that all went well.
  bool tell(bool begins, std::string_view address, std::string_view dhcid) {
    const std::string request = fmt::format(
        R"({{"change-type": {}, "forward-change": true, "reverse-change": true, "fqdn": "pc.example.org.",
"ip-address": "{}", "dhcid": "{}", "lease-expires-on": "20300101000000", "lease-length": 3600,
"use-conflict-resolution": true}})",
        begins ? 0 : 1, address, dhcid);
    Packet message = {static_cast<std::uint8_t>(request.size() >> 8), static_cast<std::uint8_t>(request.size())};
    message.insert(message.end(), request.begin(), request.end());
    const std::size_t before = process_.log().size();
    static_cast<void>(ask_udp(port_.v4(), message, 1ms));  // it says nothing
    const std::string_view done = begins ? "DHCP_DDNS_ADD_" : "DHCP_DDNS_REMOVE_";
    std::string log;
    const auto says = [&](std::string_view how) {
      log = process_.log().substr(before);
      return log.find(fmt::format("{}{}", done, how)) != std::string::npos;
    };
    const bool is_done = wait_until([&] { return says("SUCCEEDED") || says("FAILED"); }, 60s);
    UNSCOPED_INFO(log);
    REQUIRE(is_done);
    return says("SUCCEEDED");
  }

 private:
  Folder folder_;
  Port port_;
  Process process_;
};

}  // namespace

TEST_CASE("update: Kea's leases are names, addresses and DHCIDs") {
  if (!have_peer("kea-dhcp-ddns")) return;
  const UpdateBench bench;
  static_cast<void>(
      bench.folder.write("reverse", "$TTL 60\n@ SOA ns.example.org. host 1 3600 600 86400 5\n@ NS ns.example.org.\n"));
  const std::string reverse = fmt::format(
      "2.0.192.in-addr.arpa {{\n file {0}/reverse {{\n  update {{\n   secrets {0}/keys\n   key all may change "
      "*.2.0.192.in-addr.arpa any\n  }}\n }}\n}}\n",
      bench.folder.path());
  const Server server(bench.corefile() + reverse, bench.options);
  Kea kea(server.endpoint());
  // RFC 4701: the form of the id, SHA-256, 32 bytes.
  const std::string own = "000101" + std::string(64, 'a'), other = "000101" + std::string(64, 'b');
  constexpr const char* kDhcid = "NOERROR pc.example.org. 3600 IN DHCID";
  const auto address = [&] { return answers(server, "pc.example.org.", "A"); };
  const auto pointer = [&](int host) { return answers(server, fmt::format("{}.2.0.192.in-addr.arpa.", host), "PTR"); };

  CHECK(kea.tell(true, "192.0.2.9", own));
  CHECK(address() == "NOERROR pc.example.org. 3600 IN A 192.0.2.9");
  CHECK(answers(server, "pc.example.org.", "DHCID").starts_with(kDhcid));
  CHECK(pointer(9) == "NOERROR 9.2.0.192.in-addr.arpa. 3600 IN PTR pc.example.org.");
  // Its client's next lease has another address; another client may not have the name (RFC 4703).
  CHECK(kea.tell(true, "192.0.2.10", own));
  CHECK(address() == "NOERROR pc.example.org. 3600 IN A 192.0.2.10");
  CHECK_FALSE(kea.tell(true, "192.0.2.11", other));
  CHECK(address() == "NOERROR pc.example.org. 3600 IN A 192.0.2.10");
  CHECK(pointer(11).starts_with("NXDOMAIN"));
  CHECK(kea.tell(false, "192.0.2.10", own));
  CHECK(address().starts_with("NXDOMAIN"));
  CHECK(answers(server, "pc.example.org.", "DHCID").starts_with("NXDOMAIN"));
  CHECK(pointer(10).starts_with("NXDOMAIN"));
}

TEST_CASE("update: external-dns sets, changes and removes records") {
  const std::string peer = "build/interop/external-dns-peer";
  if (!std::filesystem::exists(peer)) {
    WARN("SKIPPED: there is no " << peer << "; tests/interop/prepare external-dns makes it");
    return;
  }
  const UpdateBench bench;
  const Server server(
      bench.corefile(fmt::format(" tsig {{\n  secrets {}/keys\n }}\n transfer {{\n  to *\n }}\n", bench.folder.path())),
      bench.options);
  const std::string changes = bench.folder.write("changes", R"(
{"create": [{"dnsName": "app.example.org", "recordType": "A", "recordTTL": 300, "targets": ["192.0.2.20", "192.0.2.21"]},
            {"dnsName": "app.example.org", "recordType": "TXT", "targets": ["\"heritage=external-dns,external-dns/owner=o\""]},
            {"dnsName": "other.example.org", "recordType": "CNAME", "recordTTL": 60, "targets": ["app.example.org"]}]}
{"updateOld": [{"dnsName": "app.example.org", "recordType": "A", "recordTTL": 300, "targets": ["192.0.2.20", "192.0.2.21"]}],
 "updateNew": [{"dnsName": "app.example.org", "recordType": "A", "recordTTL": 60, "targets": ["192.0.2.21", "192.0.2.22"]}],
 "create": [{"dnsName": "app.example.org", "recordType": "AAAA", "recordTTL": 60, "targets": ["2001:db8::20"]}]}
{"delete": [{"dnsName": "other.example.org", "recordType": "CNAME", "recordTTL": 60, "targets": ["app.example.org"]},
            {"dnsName": "app.example.org", "recordType": "AAAA", "recordTTL": 60, "targets": ["2001:db8::20"]}]}
)");
  const std::string command = fmt::format("exec {} {} example.org all {} < {}", peer, server.port(), kSecret, changes);
  const auto said = run({.arguments = {"sh", "-c", command}}, 60s);
  if (!said) FAIL(said.error().text());
  INFO(*said);
  for (const char* const line :
       {"1 app.example.org A 300 192.0.2.20;192.0.2.21", "1 other.example.org CNAME 60 app.example.org",
        "1 app.example.org TXT 0 heritage=external-dns,external-dns/owner=o",
        "2 app.example.org A 60 192.0.2.21;192.0.2.22", "2 app.example.org AAAA 60 2001:db8::20",
        "3 app.example.org A 60 192.0.2.21;192.0.2.22"}) {
    INFO(line);
    CHECK(said->find(fmt::format("{}\n", line)) != std::string::npos);
  }
  CHECK(said->find("3 other") == std::string::npos);
  CHECK(said->find("3 app.example.org AAAA") == std::string::npos);
  CHECK(answers(server, "app.example.org.", "A") ==
        "NOERROR app.example.org. 60 IN A 192.0.2.21 app.example.org. 60 IN A 192.0.2.22");
}
