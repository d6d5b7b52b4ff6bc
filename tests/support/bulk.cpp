#include "tests/support/bulk.h"

#include <algorithm>

namespace swage::tests {
namespace {

using Answers = std::vector<std::optional<Packet>>;

// Puts an answer in its place; false if that is taken, or there is none.
bool place(Answers& answers, std::optional<Packet> packet) {
  if (!packet || packet->size() < 2) return false;
  const std::size_t id = load_u16(packet->data());
  if (id >= answers.size() || answers[id]) return false;
  answers[id] = std::move(packet);
  return true;
}

}  // namespace

Answers ask_all_udp(const UdpClient& client, std::span<const Packet> queries) {
  Answers answers(queries.size());
  for (int attempt = 0; attempt < 4; ++attempt) {
    std::size_t missing = 0;
    for (std::size_t at = 0; at < queries.size(); ++at) {
      if (answers[at]) continue;
      client.send(queries[at]);
      ++missing;
    }
    while (missing > 0) {
      auto packet = client.receive(Milliseconds(1000));
      if (!packet) break;
      missing -= place(answers, std::move(packet)) ? 1U : 0U;
    }
    if (missing == 0) break;
  }
  return answers;
}

Answers ask_all_tcp(const Endpoint& server, std::span<const Packet> queries) {
  Answers answers(queries.size());
  TcpClient client(server);
  // In portions: a server may stop to read while its answers are not read.
  constexpr std::size_t kPortion = 8;
  for (std::size_t at = 0; at < queries.size(); at += kPortion) {
    const auto portion = queries.subspan(at, std::min(kPortion, queries.size() - at));
    for (const Packet& query : portion) static_cast<void>(client.send(query));
    for (std::size_t count = 0; count < portion.size(); ++count) {
      auto packet = client.receive();
      if (!packet) return answers;
      static_cast<void>(place(answers, std::move(packet)));
    }
  }
  return answers;
}

}  // namespace swage::tests
