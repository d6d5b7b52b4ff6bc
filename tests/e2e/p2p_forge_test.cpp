// A swage that takes p2p-forge's place: its published Corefiles, unedited, in a network where their ports are free.
#include <filesystem>
#include <fstream>

#include "core/async/testing.h"
#include "tests/support/broker/published_forge.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/dynamodb.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

namespace fs = std::filesystem;
using namespace swage;
using namespace swage::tests;

constexpr const char* kStore = "badger.libp2p-direct-challenges";

struct Outcome {
  int status;
  std::string output, errors;
};

Outcome run_in(const ForgeFolder& folder, std::vector<std::string> arguments,
               std::vector<std::pair<std::string, std::string>> environment = {}) {
  Command command = folder.command(std::move(arguments));
  command.environment = std::move(environment);
  auto process = Process::start(command);
  REQUIRE(process);
  const auto status = process->wait(Milliseconds(30000));
  REQUIRE(status);
  return {status->code, process->output(), process->errors()};
}

std::string name_of_node() { return PublishedForge::node_key().public_key().peer_id().to_base36() + ".libp2p.direct."; }

std::vector<std::string> texts(const PublishedForge& forge) {
  std::vector<std::string> found;
  for (const std::string& record : forge.ask({.name = "_acme-challenge." + name_of_node(), .type = "TXT"}).answer) {
    found.push_back(record.substr(record.find('"')));
  }
  return found;
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

// README of p2p-forge: ./p2p-forge -conf Corefile.local-dev -dns.port 5354
PublishedForge local_dev(const ForgeFolder& folder) {
  return {folder, {"-conf", "Corefile", "-dns.port", "5354", "-workers", "1"}, loopback(5354), loopback(5380)};
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("p2p-forge: Corefile.local-dev and .env, with what p2p-forge has left behind") {
  const auto network = OwnNetwork::enter();
  if (!network) return;
  const ForgeFolder folder(published("Corefile.local-dev"));
  static_cast<void>(folder.folder().write(".env", "# secrets\nFORGE_ACCESS_TOKEN='open sesame'\n"));
  fs::create_directory(folder.folder().file(kStore));
  static_cast<void>(folder.folder().write(std::string(kStore) + "/MANIFEST", "badger's"));
  {
    PublishedForge forge = local_dev(folder);
    CHECK(forge.log().find(".env found and loaded") != std::string::npos);
    CHECK(forge.log().find("sesame") == std::string::npos);
    CHECK(forge.log().find("[WARNING] Corefile:25: acme: badger.libp2p-direct-challenges is a folder") !=
          std::string::npos);
    CHECK(forge.ask({.name = "1-2-3-4." + name_of_node(), .type = "A"}).answer ==
          std::vector<std::string>{"1-2-3-4." + name_of_node() + " 604800 IN A 1.2.3.4"});
    CHECK(forge.say({.method = "GET", .target = "/v1/health", .host = "localhost:5380"}).status == 204);
    const http::Response metrics =
        forge.say_to(loopback(9253), {.method = "GET", .target = "/metrics", .host = "localhost:9253"});
    CHECK(metrics.status == 200);
    CHECK(metrics.body.find("coredns_dns_requests_total{") != std::string::npos);

    const libp2p::PrivateKey key = PublishedForge::node_key();
    HttpRequest request = registration(challenge_value(1), {forge.node_address()});
    CHECK(forge.say_as(key, request).status == 403);  // without the token
    request.fields.emplace_back("Forge-Authorization", "open sesame");
    const http::Response registered = forge.say_as(key, request);
    INFO(registered.body << forge.log());
    CHECK(registered.status == 200);
    CHECK(texts(forge) == std::vector<std::string>{quoted(challenge_value(1))});
  }
  {
    const PublishedForge again = local_dev(folder);
    CHECK(texts(again) == std::vector<std::string>{quoted(challenge_value(1))});
  }
  CHECK(read_file(folder.folder().file(std::string(kStore) + "/MANIFEST")) == "badger's");
  CHECK(std::distance(fs::directory_iterator(folder.folder().file(kStore)), {}) == 1);
  fs::remove_all(folder.folder().file(kStore));  // the operator tidies up
  const PublishedForge tidy = local_dev(folder);
  CHECK(texts(tidy) == std::vector<std::string>{quoted(challenge_value(1))});
  CHECK_FALSE(fs::exists(folder.folder().file(kStore)));
}

TEST_CASE("p2p-forge: a database where nothing was before is the store itself, and outlives the server") {
  const auto network = OwnNetwork::enter();
  if (!network) return;
  const ForgeFolder folder(published("Corefile.local-dev"));
  {
    PublishedForge forge = local_dev(folder);
    const HttpRequest request = registration(challenge_value(2), {forge.node_address()});
    CHECK(forge.say_as(PublishedForge::node_key(), request).status == 200);
    CHECK(forge.process().wait_for("registration is open to all peers\n", Milliseconds(30000)));
  }
  CHECK(fs::is_regular_file(folder.folder().file(kStore)));
  const PublishedForge again = local_dev(folder);
  CHECK(texts(again) == std::vector<std::string>{quoted(challenge_value(2))});
}

TEST_CASE("p2p-forge: the production Corefile, with its DynamoDB table and AWS's variables") {
  if (!DynamoDb::available()) return;
  const auto network = OwnNetwork::enter();
  if (!network) return;
  const ForgeFolder folder(published("Corefile"));
  const Outcome refused = run_in(folder, {"-conf", "Corefile"}, {{"AWS_REGION", ""}, {"AWS_DEFAULT_REGION", ""}});
  CHECK(refused.status == 1);
  CHECK(refused.errors ==
        "Corefile:23: acme-txt: no region: say 'region REGION', or set AWS_REGION in the environment\n");

  const DynamoDb database("libp2p-direct-challenges");
  for (const auto& [name, value] : database.environment()) setenv(name.c_str(), value.c_str(), 1);
  PublishedForge forge(folder, {"-workers", "1"}, loopback(53), loopback(80));
  CHECK(forge.ask({.name = "2001-db8--1." + name_of_node(), .type = "AAAA"}, true).answer ==
        std::vector<std::string>{"2001-db8--1." + name_of_node() + " 604800 IN AAAA 2001:db8::1"});
  CHECK(forge.say({.method = "GET", .target = "/v1/health"}).status == 204);
  CHECK(texts(forge) == std::vector<std::string>{quoted("not set yet")});
  const HttpRequest request = registration(challenge_value(3), {forge.node_address()});
  CHECK(forge.say_as(PublishedForge::node_key(), request).status == 200);
  CHECK(texts(forge) == std::vector<std::string>{quoted(challenge_value(3))});
}

TEST_CASE("p2p-forge: -check prints the Corefile in swage's own directives, which means the same") {
  const ForgeFolder folder(published("Corefile.local-dev"));
  const Outcome check = run_in(folder, {"-check"});
  INFO(check.output << check.errors);
  CHECK(check.status == 0);
  const std::string title = "\n# Corefile in swage's own directives\n";
  const std::size_t at = check.output.find(title);
  REQUIRE(at != std::string::npos);
  const std::string native = check.output.substr(at + title.size());
  CHECK(native.find("    acme-txt libp2p.direct {\n        store memory badger.libp2p-direct-challenges\n    }\n") !=
        std::string::npos);
  const Outcome again = run_in(ForgeFolder(native), {"-check"});
  CHECK(again.status == 0);
  CHECK(again.output == check.output.substr(0, at));
  CHECK_FALSE(fs::exists(folder.folder().file(kStore)));
}

TEST_CASE("p2p-forge: swage gets the certificate as p2p-forge does, unless the environment or .env names one") {
  const std::string corefile =
      replaced(published("Corefile.local-dev"), "listen-address=:5380 external-tls=true", "listen-address=:5380");
  const ForgeFolder folder(corefile);
  const Outcome automatic = run_in(folder, {"-check"});
  CHECK(automatic.status == 0);
  CHECK(automatic.output.find("        tls auto\n") != std::string::npos);
  static_cast<void>(folder.folder().write(".env", "SWAGE_BROKER_CERT=cert.pem\nSWAGE_BROKER_KEY=\"key.pem\"\n"));
  CHECK(run_in(folder, {"-check"}).errors.find("cert.pem: ") != std::string::npos);  // it is not there
  // What the environment says goes before.
  CHECK(run_in(folder, {"-check"}, {{"SWAGE_BROKER_CERT", "other.pem"}}).errors.find("other.pem: ") !=
        std::string::npos);
  static_cast<void>(folder.folder().write(".env", "SWAGE_BROKER_CERT=cert.pem\nsecret\n"));
  const Outcome wrong = run_in(folder, {"-check"});
  CHECK(wrong.errors.starts_with("warning: .env:2: expected NAME=VALUE\n"));
  CHECK(wrong.output.find("        tls auto\n") != std::string::npos);
}
