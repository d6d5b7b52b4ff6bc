#include "tests/support/broker/published_forge.h"

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "core/crypto/random.h"
#include "core/http/client.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "tests/support/broker/registrar.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::tests {
namespace {

constexpr Milliseconds kStart{30000}, kStop{20000};

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

Command ForgeFolder::command(std::vector<std::string> arguments) const {
  const char* const binary = std::getenv("SWAGE");
  if (binary == nullptr) FAIL("the environment variable SWAGE names no server: run this test with ctest");
  arguments.insert(arguments.begin(), std::filesystem::absolute(binary).string());
  return {.arguments = std::move(arguments), .folder = folder_.path()};
}

PublishedForge::PublishedForge(const ForgeFolder& folder, std::vector<std::string> arguments, Endpoint dns,
                               Endpoint http)
    : dns_(dns), http_(http), process_(start_or_fail(folder.command(std::move(arguments)))), nodes_(loop_) {
  if (!process_.wait_for("dns processes", kStart)) FAIL("swage does not start\n" << log());
}

PublishedForge::~PublishedForge() {
  process_.signal(SIGTERM);
  const auto status = process_.wait(kStop);
  if ((!status || !status->clean()) && std::uncaught_exceptions() == 0) FAIL_CHECK("swage did not end well\n" << log());
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
