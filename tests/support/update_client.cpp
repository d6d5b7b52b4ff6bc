#include "tests/support/update_client.h"

#include <ctime>

#include "core/dns/types.h"
#include "tests/support/update_message.h"

namespace swage::tests {
namespace {

std::uint64_t now() { return static_cast<std::uint64_t>(std::time(nullptr)); }

tsig::OwnKey make_key(std::string_view name, std::string_view secret) {
  auto key = tsig::OwnKey::make(name, "hmac-sha256", secret);
  CHECK(key.has_value());
  return *std::move(key);
}

}  // namespace

UpdateClient::UpdateClient(Endpoint server, std::string zone, std::string_view key, std::string_view secret)
    : server_(server), zone_(std::move(zone)), key_(make_key(key, secret)) {}

Packet UpdateClient::signed_message(std::string_view lines, std::int64_t ahead) {
  Packet message = update_message(zone_, lines, ++id_);
  tsig::Signer signer(key_.key());
  const std::size_t size = message.size();
  message.resize(size + signer.room());
  message.resize(signer.sign(message, size, now() + static_cast<std::uint64_t>(ahead)));
  mac_.assign(signer.mac().begin(), signer.mac().end());
  return message;
}

std::string UpdateClient::exchange(const Packet& message, Over over, Milliseconds deadline) const {
  return read(over == Over::udp ? ask_udp(server_, message, deadline) : ask_tcp(server_, message, deadline));
}

std::string UpdateClient::read(const std::optional<Packet>& answer) const {
  if (!answer || answer->size() < 12) return "nothing";
  tsig::Verifier verifier(key_.key(), mac_);
  const tsig::Status status = verifier.verify(*answer, now());
  const std::string rcode = to_string(static_cast<dns::Rcode>((*answer)[3] & 0x0F));
  if (status == tsig::Status::none) return "unsigned " + rcode;
  if (status == tsig::Status::good && verifier.error() == static_cast<std::uint16_t>(tsig::Error::badtime))
    return "BADTIME";
  return status == tsig::Status::good ? rcode : std::string(tsig::to_string(status));
}

std::string UpdateClient::send(std::string_view lines, Over over, Milliseconds deadline) {
  return exchange(signed_message(lines), over, deadline);
}

}  // namespace swage::tests
