#include "tests/support/broker/registrar.h"

#include "core/crypto/base64.h"
#include "core/libp2p/peer_id_auth_client.h"

namespace swage::tests {

std::string challenge_value(std::uint64_t number) {
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[31 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  std::string text = crypto::to_base64url(bytes);
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::string registration_body(const std::string& value, const std::vector<std::string>& addresses) {
  std::string list;
  for (const std::string& address : addresses) list += (list.empty() ? "\"" : ",\"") + address + "\"";
  return R"({"value":")" + value + R"(","addresses":[)" + list + "]}";
}

async::Task<Result<>> Registrar::connect() {
  if (stream_) co_return {};
  auto stream = std::make_unique<async::TcpStream>(loop_);
  CO_TRY(co_await stream->connect(broker_));
  stream_ = std::move(stream);
  co_return {};
}

async::Task<http::Response> Registrar::post(std::string authorization, std::string body) {
  http::Response failed;
  failed.status = 0;
  const Result<> connected = co_await connect();
  if (!connected) co_return failed;
  std::string request = "POST /v1/_acme-challenge HTTP/1.1\r\nHost: " + host_ + "\r\n";
  if (!authorization.empty()) request += "Authorization: " + authorization + "\r\n";
  if (!client_.empty()) request += "X-Forwarded-For: " + client_ + "\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  Result<http::Received> received = co_await http::exchange(*stream_, std::move(request));
  if (!received || !received->reusable) close();
  if (!received) co_return failed;
  co_return *std::move(received);
}

async::Task<http::Response> Registrar::registers(const libp2p::PrivateKey& key, std::string body) {
  libp2p::PeerIdAuthClient::Dialect dialect;
  dialect.hostname = host_;
  dialect.challenge_server = libp2p::PeerIdAuthClient::base64_challenge(random_);
  libp2p::PeerIdAuthClient client(key, std::move(dialect));
  http::Response challenge = co_await post(client.first(), "");
  const auto header = challenge.fields.find("WWW-Authenticate");
  if (challenge.status != 401 || !header) co_return challenge;
  Result<std::string> authorization = client.second(*header);
  if (!authorization) co_return challenge;
  co_return co_await post(*std::move(authorization), std::move(body));
}

}  // namespace swage::tests
