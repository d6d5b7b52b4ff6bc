#include "tests/support/broker/published_forge.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "core/crypto/random.h"
#include "core/http/client.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "tests/support/broker/registrar.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::tests {
namespace {

constexpr Milliseconds kStart{30000}, kStop{20000};
constexpr const char* kPrepared = "build/interop/p2p-forge";

// In the log once it serves, DNS and HTTP.
std::string_view started(Program program) {
  return program == Program::swage ? "dns process" : "(/v1/_acme-challenge) listener at ";
}

std::unique_ptr<peer::Node> start_node(async::Loop& loop) {
  const auto anywhere = libp2p::Multiaddr::parse("/ip4/0.0.0.0/tcp/0");
  if (!anywhere) FAIL(anywhere.error().text());
  auto node = peer::Node::start(loop, PublishedForge::node_key(), {.listen = {*anywhere}, .agent = "swage-test/1"});
  if (!node) FAIL(node.error().text());
  return *std::move(node);
}

Process start_or_fail(const Command& command) {
  auto process = Process::start(command);
  if (!process) FAIL(process.error().text());
  return *std::move(process);
}

async::Task<> exchange(async::Loop& loop, Endpoint to, std::string request, std::optional<http::Response>& answer) {
  async::TcpStream stream(loop);
  const Result<> connected = co_await stream.connect(to);
  if (connected) {
    Result<http::Received> received = co_await http::exchange(stream, std::move(request));
    if (received) answer.emplace(*std::move(received));
  }
  loop.stop();
}

std::string to_text(const HttpRequest& request) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, request.host);
  for (const auto& [name, value] : request.fields) text += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty()) text += fmt::format("Content-Length: {}\r\n", request.body.size());
  return text + "\r\n" + request.body;
}

}  // namespace

std::string published(const std::string& name) {
  std::string text = read_file("tests/support/p2p_forge/" + name);
  if (text.empty()) FAIL("tests/support/p2p_forge/" << name << " is not there");
  return text;
}

ForgeFolder::ForgeFolder(std::string_view corefile) {
  static_cast<void>(folder_.write("Corefile", corefile));
  std::filesystem::create_directory(folder_.file("zones"));
  static_cast<void>(folder_.write("zones/libp2p.direct", read_file("zones/libp2p.direct")));
}

std::string real_p2p_forge(std::string_view what) {
  const char* const named = std::getenv("SWAGE_P2P_FORGE");
  const std::string path = std::filesystem::absolute(named == nullptr ? kPrepared : named).string();
  if (installed(path)) return path;
  const std::string text = fmt::format("SKIPPED: {}: there is no {}; tests/interop/prepare p2p-forge makes it", what,
                                       named == nullptr ? kPrepared : named);
  std::fprintf(stderr, "%s\n", text.c_str());
  WARN(text);
  return {};
}

Command ForgeFolder::command(std::vector<std::string> arguments, Program program) const {
  const char* const swage = std::getenv("SWAGE");
  if (swage == nullptr) FAIL("the environment variable SWAGE names no server: run this test with ctest");
  arguments.insert(arguments.begin(), program == Program::swage ? std::filesystem::absolute(swage).string()
                                                                : real_p2p_forge("a test of p2p-forge itself"));
  return {.arguments = std::move(arguments), .folder = folder_.path()};
}

PublishedForge::PublishedForge(const ForgeFolder& folder, std::vector<std::string> arguments, Endpoint dns,
                               Endpoint http, Program program)
    : dns_(dns),
      http_(http),
      process_(start_or_fail(folder.command(std::move(arguments), program))),
      node_(start_node(loop_)) {
  if (!process_.wait_for(started(program), kStart)) FAIL("the server does not start\n" << log());
}

PublishedForge::~PublishedForge() {
  process_.signal(SIGTERM);
  const auto status = process_.wait(kStop);
  if ((!status || !status->clean()) && std::uncaught_exceptions() == 0)
    FAIL_CHECK("the server did not end well\n" << log());
}

libp2p::PrivateKey PublishedForge::node_key() {
  constexpr std::array<std::uint8_t, 32> kSeed = {5};
  return libp2p::PrivateKey::from_seed(kSeed);
}

std::string PublishedForge::node_address(std::string_view ip) const {
  const std::string any = node_->addresses().at(0).to_string();
  return fmt::format("/ip4/{}{}", ip, any.substr(any.find("/tcp/")));
}

Decoded PublishedForge::ask(const Question& question, bool tcp) const {
  const Packet query = encode(question);
  const auto answer = tcp ? ask_tcp(dns_, query) : ask_udp(dns_, query);
  if (!answer) FAIL(question.name << " is not answered\n" << log());
  auto decoded = decode(*answer);
  if (!decoded) FAIL(question.name << ": " << decoded.error().text());
  return *std::move(decoded);
}

http::Response PublishedForge::say_to(const Endpoint& where, const HttpRequest& request) {
  std::optional<http::Response> answer;
  loop_.spawn(exchange(loop_, where, to_text(request), answer));
  loop_.run();
  http::Response none;
  none.status = 0;
  return answer.value_or(none);
}

http::Response PublishedForge::say(const HttpRequest& request) { return say_to(http_, request); }

http::Response PublishedForge::say_as(const libp2p::PrivateKey& key, HttpRequest request,
                                      const std::string& signed_host) {
  crypto::SystemRandom random;
  libp2p::PeerIdAuthClient::Dialect dialect;
  dialect.hostname = signed_host.empty() ? request.host : signed_host;
  dialect.checks_server = signed_host.empty();
  dialect.challenge_server = libp2p::PeerIdAuthClient::base64_challenge(random);
  libp2p::PeerIdAuthClient client(key, std::move(dialect));
  const http::Response challenge = say({.method = "POST",
                                        .target = request.target,
                                        .host = request.host,
                                        .fields = {{"Authorization", client.first()}}});
  const auto authorization = client.second(challenge.fields.find("WWW-Authenticate").value_or(""));
  if (!authorization) FAIL("no challenge: " << authorization.error().text() << ", status " << challenge.status);
  request.fields.emplace_back("Authorization", *authorization);
  return say(request);
}

HttpRequest registration(const std::string& value, const std::vector<std::string>& addresses) {
  return {.method = "POST", .target = "/v1/_acme-challenge", .body = registration_body(value, addresses)};
}

}  // namespace swage::tests
