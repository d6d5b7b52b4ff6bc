#include "tests/support/pebble.h"

#include <chrono>

#include <fmt/format.h>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::tests {

using namespace std::chrono_literals;

Pebble::Pebble(const Endpoint& nameserver, const PebbleOptions& options) {
  const std::string key = folder_.file("key"), certificate = folder_.file("cert");
  REQUIRE(run({.arguments = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                             "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                             key, "-out", certificate}}));
  const std::string external =
      options.external_account.empty()
          ? "\"externalAccountBindingRequired\": false"
          : fmt::format("\"externalAccountBindingRequired\": true, \"externalAccountMACKeys\": {{\"{}\": \"{}\"}}",
                        options.external_account, options.external_key);
  const std::string validity =
      options.validity == 0 ? "" : fmt::format(", \"certificateValidityPeriod\": {}", options.validity);
  const std::string configuration = fmt::format(
      "{{\"pebble\": {{\"listenAddress\": \"127.0.0.1:{}\", \"managementListenAddress\": \"127.0.0.1:{}\", "
      "\"certificate\": \"{}\", \"privateKey\": \"{}\", \"httpPort\": 80, \"tlsPort\": 443, \"ocspResponderURL\": "
      "\"\", {}{}}}}}\n",
      port_.number(), management_.number(), certificate, key, external, validity);
  command_.arguments = {"pebble", "-config", folder_.write("pebble.json", configuration), "-dnsserver",
                        nameserver.to_string()};
  command_.environment = {{"PEBBLE_VA_NOSLEEP", "1"},
                          {"PEBBLE_AUTHZREUSE", "0"},
                          {"PEBBLE_WFE_NONCEREJECT", std::to_string(options.bad_nonces)}};
  start();
}

void Pebble::start() {
  auto started = Process::start(command_);
  REQUIRE(started);
  process_ = *std::move(started);
  REQUIRE(process_.wait_for("ACME directory available", 20s));
}

void Pebble::stop() { process_ = Process(); }

std::string Pebble::directory() const { return fmt::format("https://localhost:{}/dir", port_.number()); }

std::string Pebble::root() const {
  const auto fetched = run({.arguments = {"curl", "-sS", "--fail", "--cacert", certificate(),
                                          fmt::format("https://localhost:{}/roots/0", management_.number())}});
  if (!fetched) FAIL(fetched.error().text());
  return *fetched;
}

std::size_t Pebble::issued() const {
  const std::string log = this->log();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = log.find("Issued certificate serial", at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace swage::tests
